"""The texts that a model reads and writes: what of a request and an answer costs tokens as text."""

import json
from collections.abc import Iterator

from pydantic import JsonValue

from examsgraph_callbacks.events import Message, Request

__all__ = ["answer_schema_text", "argument_texts", "is_refusal", "message_texts"]

_TEXT_KEYS = ("text", "thinking", "refusal")


def message_texts(message: Message) -> Iterator[str]:
    """The texts in a message's content, then name and arguments of each tool call."""
    yield from _texts(message.content)
    for tool_call in message.tool_calls:
        yield from _call_texts(tool_call)


def argument_texts(message: Message) -> Iterator[str]:
    """The arguments of each tool call."""
    for tool_call in message.tool_calls:
        yield from _call_texts(tool_call)[1:]


def is_refusal(message: Message) -> bool:
    """Whether the message refuses what was asked, in a block of OpenAI's that says so."""
    blocks = message.content if isinstance(message.content, list) else ()
    return any(isinstance(block, dict) and block.get("type") == "refusal" for block in blocks)


def answer_schema_text(request: Request) -> str:
    """The schema of a structured answer, which the model reads as JSON; empty where there is none."""
    match request.parameters.get("response_format"):
        case {"json_schema": {"schema": schema}}:
            return _compact(schema)
        case _:
            return ""


def _texts(content: JsonValue) -> Iterator[str]:
    """The text in a message's content; a picture, a sound or a file has none."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for block in content:
            yield from _texts(block)
    elif isinstance(content, dict):
        yield from (text for key in _TEXT_KEYS if isinstance(text := content.get(key), str))
        yield from _texts(content.get("content"))


def _call_texts(tool_call: JsonValue) -> tuple[str, ...]:
    """Name and arguments of a call in LangChain's form (`name`, `args`) or OpenAI's (`function`)."""
    if not isinstance(tool_call, dict):
        return ()
    function = tool_call.get("function")
    called = function if isinstance(function, dict) else tool_call
    arguments = called.get("arguments", called.get("args"))
    return str(called.get("name", "")), arguments if isinstance(arguments, str) else _compact(arguments)


def _compact(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
