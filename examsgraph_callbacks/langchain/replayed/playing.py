"""What stands in the place of a chat model's methods that would ask a provider."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.langchain.messages import request_of_messages, requested_model
from examsgraph_callbacks.langchain.replayed.answers import chunks_of, result_of
from examsgraph_callbacks.replay import Player, Waits, failure_of

__all__ = ["ChatPlayer"]


class ChatPlayer:
    """Answers chat models from a recording; what a model would be sent is seen as the handler sees it."""

    def __init__(self, player: Player) -> None:
        self._player = player

    def generate(
        self,
        model: BaseChatModel,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, object],
        *,
        any_sampling: bool = False,
    ) -> ChatResult:
        """The whole answer, after the recorded time; raises what the recorded call raised."""
        call = self._call(model, messages, stop, kwargs, any_sampling=any_sampling)
        Waits(call, 1, self._player.pace).before(0)
        return _whole(call, kwargs)

    async def agenerate(
        self,
        model: BaseChatModel,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, object],
        *,
        any_sampling: bool = False,
    ) -> ChatResult:
        """The same, awaited."""
        call = self._call(model, messages, stop, kwargs, any_sampling=any_sampling)
        await Waits(call, 1, self._player.pace).abefore(0)
        return _whole(call, kwargs)

    def stream(
        self,
        model: BaseChatModel,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, object],
        *,
        any_sampling: bool = False,
    ) -> Iterator[ChatGenerationChunk]:
        """The answer in chunks; where the recorded stream broke off, so does this one, by the same error."""
        call = self._call(model, messages, stop, kwargs, any_sampling=any_sampling)
        chunks = _chunks(call, kwargs)
        waits = Waits(call, len(chunks), self._player.pace)
        for number, chunk in enumerate(chunks):
            waits.before(number)
            yield chunk
        _raise_if_failed(call)

    async def astream(
        self,
        model: BaseChatModel,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, object],
        *,
        any_sampling: bool = False,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """The same, awaited."""
        call = self._call(model, messages, stop, kwargs, any_sampling=any_sampling)
        chunks = _chunks(call, kwargs)
        waits = Waits(call, len(chunks), self._player.pace)
        for number, chunk in enumerate(chunks):
            await waits.abefore(number)
            yield chunk
        _raise_if_failed(call)

    def _call(
        self,
        model: BaseChatModel,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, object],
        *,
        any_sampling: bool,
    ) -> LLMCall:
        # both as LangChain tells them to a handler
        parameters = model._get_invocation_params(stop=stop, **kwargs)  # noqa: SLF001
        metadata: Mapping[str, object] = {**model._get_ls_params(stop=stop, **kwargs)}  # noqa: SLF001
        asked = request_of_messages(messages, parameters)
        name = requested_model(parameters, metadata)
        return self._player.call(name, asked, any_sampling=any_sampling)


def _whole(call: LLMCall, kwargs: Mapping[str, object]) -> ChatResult:
    _raise_if_failed(call)
    return result_of(call, kwargs.get("response_format"))


def _chunks(call: LLMCall, kwargs: Mapping[str, object]) -> list[ChatGenerationChunk]:
    if call.status == "error":
        return []
    return list(chunks_of(call, kwargs.get("response_format")))


def _raise_if_failed(call: LLMCall) -> None:
    failure = failure_of(call)
    if failure is not None:
        raise failure
