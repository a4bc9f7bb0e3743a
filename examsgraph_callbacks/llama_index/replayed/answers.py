"""A recorded call as LlamaIndex's response: whole, or in the responses of a stream."""

from collections.abc import Iterator
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ContentBlock,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from pydantic import JsonValue

from examsgraph_callbacks.capture import SPLIT_OPEN
from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.replay import pieces

__all__ = ["response_of", "responses_of"]


def response_of(call: LLMCall) -> ChatResponse:
    """The whole answer of a call that ended well; its `raw` says what OpenAI's would say of it."""
    return ChatResponse(message=_message(_text(call), _tool_calls(call)), raw=_raw(call))


def responses_of(call: LLMCall) -> Iterator[ChatResponse]:
    """The responses of a streamed answer, each with all that has come, a word more each time.

    The last, with tool calls, usage and how it ended, comes only where the call ended well.
    """
    said = ""
    for piece in pieces(_text(call)):
        said += piece
        yield ChatResponse(message=_message(said, []), delta=piece, raw={"model": call.served_model})
    if call.error_type is None:
        yield ChatResponse(message=_message(said, _tool_calls(call)), delta="", raw=_raw(call))


def _message(text: str, calls: list[ToolCallBlock]) -> ChatMessage:
    blocks: list[ContentBlock] = [TextBlock(text=text)] if text or not calls else []
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[*blocks, *calls])


def _text(call: LLMCall) -> str:
    content = call.answer[0].content if call.answer else None
    if isinstance(content, list):
        return "".join(str(block.get("text", "")) for block in content if isinstance(block, dict))
    return content if isinstance(content, str) else ""


def _tool_calls(call: LLMCall) -> list[ToolCallBlock]:
    return [_tool_call(given) for given in (call.answer[0].tool_calls if call.answer else ())]


def _tool_call(given: JsonValue) -> ToolCallBlock:
    fields: dict[str, Any] = given if isinstance(given, dict) else {}
    arguments = fields.get("args")
    return ToolCallBlock(
        tool_call_id=fields.get("id"),
        tool_name=str(fields.get("name", "")),
        tool_kwargs=arguments if isinstance(arguments, dict | str) else {},
    )


def _raw(call: LLMCall) -> dict[str, Any]:
    """The answer as OpenAI's chat completions tell it, as far as it is on record.

    Its usage is told as Anthropic's where that is what says how long cache writes are kept, or that this is
    open.
    """
    raw: dict[str, Any] = {"model": call.served_model, "choices": [{"finish_reason": call.finish_reason}]}
    if call.service_tier is not None:
        raw["service_tier"] = call.service_tier
    if call.input_tokens is not None and call.output_tokens is not None:
        lifetimes = (call.cache_write_1h_tokens, call.cache_write_split_open)
        tells = _usage if lifetimes == (None, None) else _usage_of_anthropic
        raw["usage"] = tells(call, call.input_tokens, call.output_tokens)
    return raw


def _usage(call: LLMCall, input_tokens: int, output_tokens: int) -> dict[str, Any]:
    return {
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": call.cached_tokens,
            "cache_write_tokens": call.cache_write_tokens,
            "audio_tokens": call.audio_input_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": call.reasoning_tokens,
            "audio_tokens": call.audio_output_tokens,
        },
    }


def _usage_of_anthropic(call: LLMCall, input_tokens: int, output_tokens: int) -> dict[str, Any]:
    """The same as Anthropic tells it, who alone says for how long what was written is kept."""
    read, written = call.cached_tokens or 0, call.cache_write_tokens or 0
    for_an_hour = call.cache_write_1h_tokens
    by_lifetime = (
        {SPLIT_OPEN: call.cache_write_split_open}
        if for_an_hour is None
        else {
            "cache_creation": {
                "ephemeral_5m_input_tokens": written - for_an_hour,
                "ephemeral_1h_input_tokens": for_an_hour,
            }
        }
    )
    return {
        "input_tokens": input_tokens - read - written,
        "output_tokens": output_tokens,
        "cache_read_input_tokens": call.cached_tokens,
        "cache_creation_input_tokens": call.cache_write_tokens,
        **by_lifetime,
        "output_tokens_details": {"thinking_tokens": call.reasoning_tokens},
    }
