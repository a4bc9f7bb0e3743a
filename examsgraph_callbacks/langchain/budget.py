"""A chat model that asks the budget guard before each call: callbacks can record a call, not refuse it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config

from examsgraph_callbacks.alerts.budget import BudgetGuard
from examsgraph_callbacks.capture import context_in_metadata
from examsgraph_callbacks.errors import BudgetExceededError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["BudgetedModel"]


class BudgetedModel(Runnable[LanguageModelInput, Any]):
    """`model`, each call of which `guard` has to allow: invoked, streamed or in batches, sync and async.

    A call that it refuses goes to `downgrade_to`, whose calls nobody refuses unless it is a `BudgetedModel`
    too; without one it raises `BudgetExceededError`, and neither is the model asked nor a fact recorded.
    The user is that of the run's `config["metadata"]`, else of `tutoring()`. A stream is checked when it
    begins.

    It stands in a chain where the model stood. `bind_tools` and `with_structured_output` are the model's
    own, guarded; what LangChain builds around any runnable (`bind`, `with_retry`, `with_fallbacks`) is too.
    It is no `BaseChatModel`, which some agents insist on.
    """

    def __init__(
        self,
        model: "BaseChatModel | Runnable[LanguageModelInput, Any]",
        guard: BudgetGuard,
        downgrade_to: "BaseChatModel | Runnable[LanguageModelInput, Any] | None" = None,
    ) -> None:
        self._model = model
        self._guard = guard
        self._downgrade_to = downgrade_to

    def invoke(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002 - LangChain's name
        config = ensure_config(config)
        return self._allowed(config).invoke(input, config, **kwargs)

    async def ainvoke(
        self,
        input: LanguageModelInput,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        config = ensure_config(config)
        return await (await self._allowed_async(config)).ainvoke(input, config, **kwargs)

    def stream(
        self,
        input: LanguageModelInput,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Iterator[Any]:
        config = ensure_config(config)
        yield from self._allowed(config).stream(input, config, **kwargs)

    async def astream(
        self,
        input: LanguageModelInput,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        config = ensure_config(config)
        async for chunk in (await self._allowed_async(config)).astream(input, config, **kwargs):
            yield chunk

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> "BudgetedModel":
        """The model with tools, guarded as before."""
        return self._each(lambda model: model.bind_tools(tools, **kwargs))

    def with_structured_output(self, schema: Any, **kwargs: Any) -> "BudgetedModel":
        """The model whose answers take a form, guarded as before."""
        return self._each(lambda model: model.with_structured_output(schema, **kwargs))

    def _each(self, change: Callable[[Any], Any]) -> "BudgetedModel":
        other = None if self._downgrade_to is None else change(self._downgrade_to)
        return BudgetedModel(change(self._model), self._guard, other)

    def _allowed(self, config: RunnableConfig) -> Runnable[LanguageModelInput, Any]:
        try:
            self._guard.check(context_in_metadata(config.get("metadata")).get("user_id"))
        except BudgetExceededError:
            if self._downgrade_to is None:
                raise
            return self._downgrade_to
        return self._model

    async def _allowed_async(self, config: RunnableConfig) -> Runnable[LanguageModelInput, Any]:
        # it reads files; the thread has a copy of this context, so that tutoring() holds in it
        return await asyncio.to_thread(self._allowed, config)
