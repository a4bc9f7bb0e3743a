"""LlamaIndex's messages and requests in the vocabulary's terms: `Message` and `Request` fields."""

import json
from collections.abc import Sequence
from inspect import BoundArguments

from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.base.llms.types import ChatMessage, LLMMetadata, TextBlock, ToolCallBlock
from pydantic import JsonValue

from examsgraph_callbacks.capture import PARAMETERS, plain, recorded_request

__all__ = ["call_fields", "message_fields"]

_ROLES = {"chatbot": "assistant", "model": "assistant"}


def call_fields(llm: BaseLLM, arguments: BoundArguments) -> dict[str, object]:
    """The requested model and the request of a chat or completion method of `llm`.

    A prompt is a message of the role `prompt`, or `user` where the model will be sent a chat.
    """
    own, by_position, by_name = vars(llm), arguments.args, arguments.kwargs
    parameters = {
        **{name: own[name] for name in PARAMETERS if name in own},
        **(own.get("additional_kwargs") or {}),
        **by_name,
    }
    asked = by_position[0] if by_position else by_name.get("messages", by_name.get("prompt"))
    model = by_name.get("model") or own.get("model") or own.get("model_name")
    metadata = _metadata(llm) if isinstance(asked, str) or not isinstance(model, str) else None
    if isinstance(asked, str):
        role = "prompt" if metadata is not None and not metadata.is_chat_model else "user"
        messages: list[dict[str, object]] = [{"role": role, "content": asked}]
    else:
        chat = [message for message in _items(asked) if isinstance(message, ChatMessage)]
        messages = [message_fields(message) for message in chat]
        if marks := _cache_marks(chat, own.get("cache_idx")):
            whole = parameters.get("cache_control")
            parameters["cache_control"] = marks if whole is None else [whole, *marks]
    if not isinstance(model, str):
        model = None if metadata is None or metadata.model_name == "unknown" else metadata.model_name
    return {"requested_model": model, "request": recorded_request(messages, parameters)}


def _cache_marks(chat: Sequence[ChatMessage], cached_up_to: object) -> list[object]:
    """What LlamaIndex's Anthropic puts on the last block of a message, and is no part of its content.

    `cached_up_to` is its `cache_idx`: up to that message (-1: to the last) it marks them by itself.
    """
    marked = 0
    if isinstance(cached_up_to, int):
        marked = len(chat) if cached_up_to == -1 else max(0, cached_up_to + 1)
    given = [mark for message in chat[marked:] if (mark := message.additional_kwargs.get("cache_control"))]
    return [{"type": "ephemeral"}, *given] if marked else given


def message_fields(message: ChatMessage) -> dict[str, object]:
    """One message; where it holds more than text, its content is a list of blocks."""
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    blocks = [block for block in message.blocks if not isinstance(block, ToolCallBlock)]
    only_text = all(isinstance(block, TextBlock) for block in blocks)
    extra = message.additional_kwargs
    role = message.role.value
    fields: dict[str, object] = {
        "role": _ROLES.get(role, role),
        "content": message.content if only_text else [plain(block) for block in blocks],
    }
    if calls:
        fields["tool_calls"] = [_tool_call(call) for call in calls]
    elif extra.get("tool_calls"):
        fields["tool_calls"] = [plain(call) for call in _items(extra["tool_calls"])]
    for key in ("name", "tool_call_id"):
        if extra.get(key):
            fields[key] = str(extra[key])
    return fields


def _metadata(llm: BaseLLM) -> LLMMetadata | None:
    try:
        return llm.metadata
    except Exception:  # noqa: BLE001 - OpenAI's raises for a model it does not know; so will the call
        return None


def _tool_call(call: ToolCallBlock) -> JsonValue:
    return {
        "name": call.tool_name,
        "args": _arguments(call.tool_kwargs),
        "id": call.tool_call_id,
        "type": "tool_call",
    }


def _arguments(given: dict[str, object] | str) -> JsonValue:
    """The arguments as an object; as the text they came in, where that is no JSON (yet)."""
    if not isinstance(given, str):
        return plain(given)
    try:
        return plain(json.loads(given))
    except ValueError:
        return given


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) else ()
