"""`ReplayLLM`: a LlamaIndex LLM that answers from a recording, and never from the network."""

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
    ToolCallBlock,
)
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import BaseTool
from pydantic import PrivateAttr

from examsgraph_callbacks.capture import recorded_request
from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.llama_index.messages import message_fields
from examsgraph_callbacks.llama_index.replayed.answers import response_of, responses_of
from examsgraph_callbacks.replay import Player, Waits, failure_of

__all__ = ["ReplayLLM"]


class ReplayLLM(FunctionCallingLLM):
    """Stands in for the LLM `model` (the requested name, as `gpt-4o`) in an unchanged application.

    Answers, tool calls, usage, served model and errors are as recorded, and so are times where the player
    has a pace. A streamed answer comes a word a response: where the provider cut it is not on record.
    Sampling is not compared, as this is told none; tools are offered as LlamaIndex's OpenAI offers them.
    What was not recorded raises `ReplayMissError`.
    """

    model: str
    context_window: int = 128_000
    _player: Player = PrivateAttr()

    def __init__(self, player: Player, model: str, **kwargs: Any) -> None:
        super().__init__(model=model, **kwargs)
        self._player = player

    @classmethod
    def class_name(cls) -> str:
        return "ReplayLLM"

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(
            model_name=self.model,
            context_window=self.context_window,
            is_chat_model=True,
            is_function_calling_model=True,
        )

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        call = self._call(messages, kwargs)
        Waits(call, 1, self._player.pace).before(0)
        return _whole(call)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        call = self._call(messages, kwargs)
        await Waits(call, 1, self._player.pace).abefore(0)
        return _whole(call)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        call = self._call(messages, kwargs)

        def stream() -> ChatResponseGen:
            responses = _streamed(call)
            waits = Waits(call, len(responses), self._player.pace)
            for number, response in enumerate(responses):
                waits.before(number)
                yield response
            _raise_if_failed(call)

        return stream()

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        call = self._call(messages, kwargs)

        async def stream() -> ChatResponseAsyncGen:
            responses = _streamed(call)
            waits = Waits(call, len(responses), self._player.pace)
            for number, response in enumerate(responses):
                await waits.abefore(number)
                yield response
            _raise_if_failed(call)

        return stream()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002
        return _completion(self.chat(_asked(prompt), **kwargs))

    @llm_completion_callback()
    async def acomplete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002 - LlamaIndex passes it by this name
        **kwargs: Any,
    ) -> CompletionResponse:
        return _completion(await self.achat(_asked(prompt), **kwargs))

    @llm_completion_callback()
    def stream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002 - as above
        **kwargs: Any,
    ) -> CompletionResponseGen:
        return (_completion(response) for response in self.stream_chat(_asked(prompt), **kwargs))

    @llm_completion_callback()
    async def astream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002 - as above
        **kwargs: Any,
    ) -> CompletionResponseAsyncGen:
        responses = await self.astream_chat(_asked(prompt), **kwargs)

        async def stream() -> CompletionResponseAsyncGen:
            async for response in responses:
                yield _completion(response)

        return stream()

    def get_tool_calls_from_response(
        self,
        response: ChatResponse,
        error_on_no_tool_call: bool = True,
        **_kwargs: Any,
    ) -> list[ToolSelection]:
        calls = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        if not calls and error_on_no_tool_call:
            raise ValueError("expected at least one tool call in the recorded answer, found none")
        return [
            ToolSelection(
                tool_id=call.tool_call_id or "",
                tool_name=call.tool_name,
                tool_kwargs=call.tool_kwargs if isinstance(call.tool_kwargs, dict) else {},
            )
            for call in calls
        ]

    def _prepare_chat_with_tools(  # noqa: PLR0917 - LlamaIndex's own signature
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,  # noqa: ARG002 - LlamaIndex passes it by this name
        allow_parallel_tool_calls: bool = False,  # noqa: ARG002 - sampling, which is not compared
        tool_required: bool = False,  # noqa: ARG002 - as above
        **kwargs: Any,
    ) -> dict[str, Any]:
        offered = [tool.metadata.to_openai_tool(skip_length_check=True) for tool in tools]
        for tool in offered:
            tool["function"]["strict"] = False
            tool["function"]["parameters"]["additionalProperties"] = False
        asked = [ChatMessage(role=MessageRole.USER, content=user_msg)] if isinstance(user_msg, str) else []
        given = [user_msg] if isinstance(user_msg, ChatMessage) else asked
        return {"messages": [*(chat_history or []), *given], "tools": offered or None, **kwargs}

    def _call(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> LLMCall:
        request = recorded_request([message_fields(message) for message in messages], kwargs)
        return self._player.call(self.model, request, any_sampling=True)


def _asked(prompt: str) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=prompt)]


def _completion(response: ChatResponse) -> CompletionResponse:
    return CompletionResponse(
        text=response.message.content or "",
        delta=response.delta,
        raw=response.raw,
        additional_kwargs=response.additional_kwargs,
    )


def _whole(call: LLMCall) -> ChatResponse:
    _raise_if_failed(call)
    return response_of(call)


def _streamed(call: LLMCall) -> list[ChatResponse]:
    return [] if call.status == "error" else list(responses_of(call))


def _raise_if_failed(call: LLMCall) -> None:
    failure = failure_of(call)
    if failure is not None:
        raise failure
