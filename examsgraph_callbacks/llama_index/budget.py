"""A LlamaIndex LLM that asks the budget guard before each call; event handlers cannot refuse one."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any, TypeVar

from llama_index.core.llms import LLM

from examsgraph_callbacks.alerts.budget import BudgetGuard
from examsgraph_callbacks.errors import BudgetExceededError

__all__ = ["within_budget"]

LLMT = TypeVar("LLMT", bound=LLM)

_SYNC = ("chat", "complete", "stream_chat", "stream_complete")
_ASYNC = ("achat", "acomplete", "astream_chat", "astream_complete")


def within_budget(llm: LLMT, guard: BudgetGuard, downgrade_to: LLM | None = None) -> LLMT:
    """A copy of `llm`, of the same class and settings, each call of which `guard` has to allow.

    A call that it refuses goes to `downgrade_to`, whose calls nobody refuses unless it is guarded too;
    without one it raises `BudgetExceededError`, and neither is the model asked nor a fact recorded. The user
    is that of the surrounding `tutoring()`. A stream is checked when it begins.
    """
    # query engines and agents look at the class of an LLM for what it can do: a wrapper would hide that
    base = type(llm)
    methods: dict[str, Any] = {
        name: _guarded(getattr(base, name), name, guard, downgrade_to) for name in _SYNC
    }
    methods |= {name: _guarded_async(getattr(base, name), name, guard, downgrade_to) for name in _ASYNC}
    about = {"__module__": base.__module__, "__doc__": base.__doc__}
    budgeted = type(base.__name__, (base,), {**about, **methods})
    guarded = copy.copy(llm)
    object.__setattr__(guarded, "__class__", budgeted)
    return guarded


def _refuses(guard: BudgetGuard, downgrade_to: LLM | None) -> bool:
    try:
        guard.check()
    except BudgetExceededError:
        if downgrade_to is None:
            raise
        return True
    return False


def _guarded(
    method: Callable[..., Any], name: str, guard: BudgetGuard, downgrade_to: LLM | None
) -> Callable[..., Any]:
    def call(self: LLM, *arguments: Any, **options: Any) -> Any:
        if _refuses(guard, downgrade_to):
            return getattr(downgrade_to, name)(*arguments, **options)
        return method(self, *arguments, **options)

    call.__name__ = name
    return call


def _guarded_async(
    method: Callable[..., Any], name: str, guard: BudgetGuard, downgrade_to: LLM | None
) -> Callable[..., Any]:
    async def call(self: LLM, *arguments: Any, **options: Any) -> Any:
        # it reads files; the thread has a copy of this context, so that tutoring() holds in it
        if await asyncio.to_thread(_refuses, guard, downgrade_to):
            return await getattr(downgrade_to, name)(*arguments, **options)
        return await method(self, *arguments, **options)

    call.__name__ = name
    return call
