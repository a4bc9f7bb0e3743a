"""The LangChain run in which code runs that LangChain did not call itself."""

from uuid import UUID

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.runnables.config import var_child_runnable_config

__all__ = ["surrounding_run"]


def surrounding_run() -> UUID | None:
    """The chain or tool around this call, in threads and tasks that copied the context too."""
    ambient = var_child_runnable_config.get()
    callbacks = None if ambient is None else ambient.get("callbacks")
    return callbacks.parent_run_id if isinstance(callbacks, BaseCallbackManager) else None
