"""A recorded call as LangChain's answer: whole, or in the chunks of a stream."""

from collections.abc import Iterator, Mapping

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import (
    ToolCall,
    ToolCallChunk,
    invalid_tool_call,
    tool_call_chunk,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import BaseModel, JsonValue, ValidationError

from examsgraph_callbacks.capture import SPLIT_OPEN
from examsgraph_callbacks.events import LLMCall, Message
from examsgraph_callbacks.replay import arguments_text, pieces

__all__ = ["chunks_of", "result_of"]


def result_of(call: LLMCall, schema: object = None) -> ChatResult:
    """The whole answer of a call that ended well; `schema` is the pydantic class that it is to fill."""
    about = _about(call)
    return ChatResult(
        generations=[
            ChatGeneration(
                message=AIMessage(
                    content=_content(choice),
                    tool_calls=[_tool_call(given) for given in choice.tool_calls if not _is_broken(given)],
                    invalid_tool_calls=[_broken(given) for given in choice.tool_calls if _is_broken(given)],
                    # once for all choices, as providers report it
                    usage_metadata=_usage(call) if number == 0 else None,
                    response_metadata=about,
                    additional_kwargs=_parsed(choice, schema),
                ),
                generation_info={"finish_reason": call.finish_reason} if call.finish_reason else None,
            )
            for number, choice in enumerate(call.answer or (Message(role="assistant", content=""),))
        ],
        llm_output=dict(about),
    )


def chunks_of(call: LLMCall, schema: object = None) -> Iterator[ChatGenerationChunk]:
    """The chunks of a streamed answer; of several choices, as LangChain reads them, the first.

    The last, with usage and how it ended, comes only where the call ended well.
    """
    choice = call.answer[0] if call.answer else Message(role="assistant", content="")
    content = _content(choice)
    for piece in pieces(content) if isinstance(content, str) else [content]:
        yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
    for index, given in enumerate(choice.tool_calls):
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", tool_call_chunks=[_tool_call_chunk(given, index)]),
        )
    if call.error_type is None:
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                usage_metadata=_usage(call),
                response_metadata=_about(call),
                additional_kwargs=_parsed(choice, schema),
                chunk_position="last",
            ),
        )


def _about(call: LLMCall) -> dict[str, str]:
    about = {
        "model_name": call.served_model,
        "finish_reason": call.finish_reason,
        "service_tier": call.service_tier,
        "model_provider": call.provider,
    }
    return {name: value for name, value in about.items() if value is not None}


def _content(choice: Message) -> str | list[str | dict[str, JsonValue]]:
    if isinstance(choice.content, list):
        return [block for block in choice.content if isinstance(block, str | dict)]
    return choice.content if isinstance(choice.content, str) else ""


def _tool_call(given: JsonValue) -> ToolCall:
    fields: Mapping[str, JsonValue] = given if isinstance(given, dict) else {}
    arguments, identifier = fields.get("args"), fields.get("id")
    return ToolCall(
        name=str(fields.get("name", "")),
        args=dict(arguments) if isinstance(arguments, dict) else {},
        id=None if identifier is None else str(identifier),
        type="tool_call",
    )


def _is_broken(given: JsonValue) -> bool:
    """Whether the arguments of a recorded tool call were no JSON."""
    return isinstance(given, dict) and given.get("type") == "invalid_tool_call"


def _broken(given: JsonValue) -> InvalidToolCall:
    fields: Mapping[str, JsonValue] = given if isinstance(given, dict) else {}
    name, arguments, identifier, error = (
        None if (text := fields.get(key)) is None else str(text) for key in ("name", "args", "id", "error")
    )
    return invalid_tool_call(name=name, args=arguments, id=identifier, error=error)


def _tool_call_chunk(given: JsonValue, index: int) -> ToolCallChunk:
    whole = _tool_call(given)
    return tool_call_chunk(name=whole["name"], args=arguments_text(given), id=whole["id"], index=index)


def _usage(call: LLMCall) -> UsageMetadata | None:
    """The usage in LangChain's terms, as far as it was reported; a cache's answer says that it is one."""
    if call.input_tokens is None and call.output_tokens is None:
        return None
    inputs, outputs = call.input_tokens or 0, call.output_tokens or 0
    usage = UsageMetadata(input_tokens=inputs, output_tokens=outputs, total_tokens=inputs + outputs)
    details = {
        "cache_read": call.cached_tokens,
        "cache_creation": call.cache_write_tokens,
        "ephemeral_1h_input_tokens": call.cache_write_1h_tokens,
        SPLIT_OPEN: call.cache_write_split_open,
        "audio": call.audio_input_tokens,
    }
    if known := {name: count for name, count in details.items() if count is not None}:
        usage["input_token_details"] = InputTokenDetails(**known)  # type: ignore[typeddict-item]
    details = {"reasoning": call.reasoning_tokens, "audio": call.audio_output_tokens}
    if known := {name: count for name, count in details.items() if count is not None}:
        usage["output_token_details"] = OutputTokenDetails(**known)  # type: ignore[typeddict-item]
    if call.status == "cache_hit":
        usage["total_cost"] = 0  # type: ignore[typeddict-unknown-key]  # as LangChain's cache marks it
    return usage


def _parsed(choice: Message, schema: object) -> dict[str, object]:
    """What OpenAI's client makes of an answer that follows a schema, and langchain-openai reads there."""
    if not (isinstance(schema, type) and issubclass(schema, BaseModel) and isinstance(choice.content, str)):
        return {}
    try:
        return {"parsed": schema.model_validate_json(choice.content)}
    except ValidationError:
        return {}
