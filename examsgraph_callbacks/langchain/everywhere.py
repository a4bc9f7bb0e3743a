"""One handler on every run of LangChain's in this process, in whatever thread or task it runs."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import cast

from langchain_core.tracers.context import register_configure_hook

from examsgraph_callbacks.langchain.handler import ExamsGraphCallbackHandler

__all__ = ["attach_everywhere"]


def attach_everywhere(handler: ExamsGraphCallbackHandler) -> Callable[[], None]:
    """Attach `handler` to every run that begins from now on, until what is returned is called.

    A run that has a handler of this class already, its own or one from the run above, keeps that one.
    """
    _register_once()
    _everywhere.handler = handler

    def detach() -> None:
        if _everywhere.handler is handler:
            _everywhere.handler = None

    return detach


class _Everywhere:
    """Stands in for the context variable that LangChain asks for a handler.

    A context variable set in one thread says nothing in another that did not copy the context.
    """

    handler: ExamsGraphCallbackHandler | None = None

    def get(self) -> ExamsGraphCallbackHandler | None:
        return self.handler


_everywhere = _Everywhere()


@cache
def _register_once() -> None:
    # LangChain asks every hook at every run and takes none back: this one stays, and answers None when off
    register_configure_hook(
        cast("ContextVar[ExamsGraphCallbackHandler | None]", _everywhere),
        # LangGraph runs its nodes under the callbacks that they inherit, without asking the hooks
        inheritable=True,
        handle_class=ExamsGraphCallbackHandler,
    )
