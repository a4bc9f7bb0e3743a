"""The bodies and events in which OpenAI and Anthropic answer, as their API references show them."""

import base64
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["STREAMS", "VECTOR", "WHOLE", "Answer", "error", "pieces", "snapshot"]

Body = dict[str, Any]

VECTOR = (0.0009765625, 0.5, -0.25, 0.125)
"""Every text's embedding. Its first number is exact in 32 bits; no time, of three decimals, reads like it."""

_SNAPSHOTS = {"gpt-4o": "gpt-4o-2024-08-06", "gpt-4o-mini": "gpt-4o-mini-2024-07-18"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer: counts are what is billed, whether or not the answer reports them."""

    text: str = "정규화는 중복을 제거합니다."
    served_model: str | None = None
    input_tokens: int = 100
    output_tokens: int = 20
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    service_tier: str | None = None
    choices: int = 1
    tool: tuple[str, dict[str, Any]] | None = None
    finish_reason: str = "stop"
    status: int = 200
    report_usage: bool = True
    delay_seconds: float = 0.0
    falls_silent: bool = False
    cut_after: int | None = None
    # as Anthropic's streams said it until 2025
    input_in_first_event_only: bool = False


def snapshot(model: str) -> str:
    """The dated model that serves an alias."""
    return _SNAPSHOTS.get(model, model)


def error(answer: Answer) -> Body:
    """An error's body."""
    return {
        "error": {"message": f"refused with {answer.status}", "type": "invalid_request_error", "code": None}
    }


def _event(body: Body, name: str | None = None) -> str:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(body, ensure_ascii=False)}\n\n"


def pieces(text: str) -> list[str]:
    """The parts in which a text is streamed."""
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def _chat_usage(answer: Answer, prompts: int = 1) -> Body:
    output = answer.output_tokens * answer.choices * prompts
    return {
        "prompt_tokens": answer.input_tokens * prompts,
        "completion_tokens": output,
        "total_tokens": answer.input_tokens * prompts + output,
        "prompt_tokens_details": {
            "cached_tokens": answer.cached_tokens,
            "audio_tokens": answer.audio_input_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning_tokens,
            "audio_tokens": answer.audio_output_tokens,
        },
    }


def _head(request: Body, answer: Answer, kind: str) -> Body:
    head = {
        "id": "chatcmpl-1",
        "object": kind,
        "created": 1_768_473_000,
        "model": answer.served_model or snapshot(request["model"]),
    }
    return head | ({"service_tier": answer.service_tier} if answer.service_tier else {})


def _tool_calls(answer: Answer) -> list[Body]:
    if answer.tool is None:
        return []
    name, arguments = answer.tool
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return [{"id": "call_1", "type": "function", "function": function}]


def _chat(request: Body, answer: Answer) -> Body:
    calls = _tool_calls(answer)
    message: Body = {"role": "assistant", "content": None if calls else answer.text}
    if calls:
        message["tool_calls"] = calls
    reason = "tool_calls" if calls else answer.finish_reason
    choices = [
        {"index": index, "message": message, "finish_reason": reason, "logprobs": None}
        for index in range(answer.choices)
    ]
    body = _head(request, answer, "chat.completion") | {"choices": choices}
    return body | ({"usage": _chat_usage(answer)} if answer.report_usage else {})


def _chat_stream(request: Body, answer: Answer) -> Iterator[str]:
    head = _head(request, answer, "chat.completion.chunk")

    def chunks(delta: Body, reason: str | None = None) -> Iterator[str]:
        for index in range(answer.choices):
            choice = {"index": index, "delta": delta, "finish_reason": reason}
            yield _event(head | {"choices": [choice]})

    yield from chunks({"role": "assistant", "content": ""})
    calls = _tool_calls(answer)
    if calls:
        yield from chunks({"tool_calls": [{"index": 0} | calls[0]]})
    else:
        for piece in pieces(answer.text):
            yield from chunks({"content": piece})
    yield from chunks({}, "tool_calls" if calls else answer.finish_reason)
    if answer.report_usage and (request.get("stream_options") or {}).get("include_usage"):
        yield _event(head | {"choices": [], "usage": _chat_usage(answer)})
    yield "data: [DONE]\n\n"


def _completion(request: Body, answer: Answer) -> Body:
    prompts = request["prompt"] if isinstance(request["prompt"], list) else [request["prompt"]]
    count = len(prompts) * answer.choices
    choices = [
        {"index": index, "text": answer.text, "finish_reason": answer.finish_reason, "logprobs": None}
        for index in range(count)
    ]
    body = _head(request, answer, "text_completion") | {"choices": choices}
    return body | ({"usage": _chat_usage(answer, len(prompts))} if answer.report_usage else {})


def _completion_stream(request: Body, answer: Answer) -> Iterator[str]:
    head = _head(request, answer, "text_completion")
    for piece in pieces(answer.text):
        yield _event(head | {"choices": [{"index": 0, "text": piece, "finish_reason": None}]})
    yield _event(head | {"choices": [{"index": 0, "text": "", "finish_reason": answer.finish_reason}]})
    if answer.report_usage and (request.get("stream_options") or {}).get("include_usage"):
        yield _event(head | {"choices": [], "usage": _chat_usage(answer)})
    yield "data: [DONE]\n\n"


def _response(request: Body, answer: Answer) -> Body:
    content = {"type": "output_text", "text": answer.text, "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    usage = {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_768_473_000,
        "status": "completed",
        "model": answer.served_model or snapshot(request["model"]),
        "output": [message | {"content": [content]}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage if answer.report_usage else None,
    } | ({"service_tier": answer.service_tier} if answer.service_tier else {})


def _response_stream(request: Body, answer: Answer) -> Iterator[str]:
    whole = _response(request, answer)
    begun = whole | {"status": "in_progress", "output": [], "usage": None}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[Body] = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", "part": part} | place,
    ]
    deltas = [
        {"type": "response.output_text.delta", "delta": piece, "logprobs": []} | place
        for piece in pieces(answer.text)
    ]
    events += [
        *deltas,
        {"type": "response.output_item.done", "output_index": 0, "item": whole["output"][0]},
        {"type": "response.completed", "response": whole},
    ]
    for number, event in enumerate(events):
        yield _event(event | {"sequence_number": number}, event["type"])


def _embeddings(request: Body, answer: Answer) -> Body:
    inputs = request["input"] if isinstance(request["input"], list) else [request["input"]]
    packed = base64.b64encode(struct.pack(f"<{len(VECTOR)}f", *VECTOR)).decode()
    given: Any = packed if request.get("encoding_format") == "base64" else VECTOR
    usage = {"prompt_tokens": answer.input_tokens, "total_tokens": answer.input_tokens}
    return {
        "object": "list",
        "model": answer.served_model or request["model"],
        "data": [{"object": "embedding", "index": index, "embedding": given} for index in range(len(inputs))],
        "usage": usage,
    }


def _anthropic_usage(answer: Answer) -> Body:
    # Anthropic counts cached and written tokens beside `input_tokens`, not within it
    return {
        "input_tokens": answer.input_tokens - answer.cached_tokens - answer.cache_write_tokens,
        "cache_read_input_tokens": answer.cached_tokens,
        "cache_creation_input_tokens": answer.cache_write_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": answer.cache_write_tokens - answer.cache_write_1h_tokens,
            "ephemeral_1h_input_tokens": answer.cache_write_1h_tokens,
        },
        "output_tokens": answer.output_tokens,
        "service_tier": answer.service_tier or "standard",
    }


def _message(request: Body, answer: Answer) -> Body:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": answer.served_model or request["model"],
        "content": [{"type": "text", "text": answer.text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": _anthropic_usage(answer),
    }


def _message_stream(request: Body, answer: Answer) -> Iterator[str]:
    begun = _message(request, answer) | {"content": [], "stop_reason": None}
    begun["usage"] = begun["usage"] | {"output_tokens": 1}
    block = {"type": "text", "text": ""}
    yield _event({"type": "message_start", "message": begun}, "message_start")
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    yield _event(start, "content_block_start")
    for piece in pieces(answer.text):
        delta = {"type": "text_delta", "text": piece}
        yield _event({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")
    yield _event({"type": "content_block_stop", "index": 0}, "content_block_stop")
    usage = _anthropic_usage(answer)
    told = (
        ["output_tokens"]
        if answer.input_in_first_event_only
        else [name for name in usage if "_tokens" in name]
    )
    ended = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {name: usage[name] for name in told},
    }
    yield _event(ended, "message_delta")
    yield _event({"type": "message_stop"}, "message_stop")


WHOLE: dict[str, Callable[[Body, Answer], Body]] = {
    "completions": lambda request, answer: (_chat if "messages" in request else _completion)(request, answer),
    "responses": _response,
    "embeddings": _embeddings,
    "messages": _message,
}
STREAMS: dict[str, Callable[[Body, Answer], Iterator[str]]] = {
    "completions": lambda request, answer: (_chat_stream if "messages" in request else _completion_stream)(
        request,
        answer,
    ),
    "responses": _response_stream,
    "messages": _message_stream,
}
"""By the last part of the path."""
