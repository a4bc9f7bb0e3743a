"""Whether LangChain is to call the handler in line, answered to whoever asks."""

import sys
from types import CodeType

from langchain_core.callbacks import AsyncCallbackManager

__all__ = ["asked_in_line"]


def asked_in_line() -> bool:
    """What the property that calls this answers to the code that reads it.

    Yes: on an event loop LangChain would otherwise move every event to a thread. But where an asynchronous
    completion begins, one handler in line keeps all others from being told (langchain-ai/langchain#39633),
    among them the one that `astream_events` lives on; there it is no, and the event comes in line all the
    same, as LangChain asks again before it calls.
    """
    return sys._getframe(2).f_code not in _SILENCING  # noqa: SLF001 - inspect.currentframe's own way


def _with_nested(code: CodeType) -> frozenset[CodeType]:
    # a comprehension has a frame of its own up to Python 3.11
    return frozenset({code, *(part for part in code.co_consts if isinstance(part, CodeType))})


_SILENCING = _with_nested(AsyncCallbackManager.on_llm_start.__code__)
