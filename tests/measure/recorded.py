"""Real recorded answers as the facts that a journal would hold of them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.events import EmbeddingCall, LLMCall, Message, Request
from tests.measure.facts import embedding_call, llm_call

__all__ = ["Recording", "recorded_call", "recorded_embedding", "recordings"]

Recording = dict[str, Any]

RECORDINGS = Path(__file__).parents[3] / "shared/data/llm_recordings/recordings.jsonl"
_NOT_PARAMETERS = {"messages", "input", "instructions", "tools", "functions"}
# answers of Anthropic's, and of embedding models, carry no date
UNDATED = datetime(2026, 6, 1, tzinfo=UTC)


def recordings(*apis: str) -> list[Recording]:
    """The recorded answers of `apis` that came with usage; skips the test where they are absent."""
    if not RECORDINGS.exists():
        pytest.skip(f"the recorded answers are not here: {RECORDINGS}")
    with RECORDINGS.open(encoding="utf-8") as lines:
        every = [json.loads(line) for line in lines]
    return [one for one in every if one["api"] in apis and one["status"] == 200 and one["usage"]]


def recorded_call(recording: Recording, *, reported: bool) -> LLMCall:
    """The fact of `recording`, with the usage that the provider reported or without any."""
    created = recording["created"]
    started_at = datetime.fromtimestamp(created, UTC) if created else UNDATED
    return llm_call(
        started_at=started_at,
        provider=recording["provider"],
        requested_model=recording["request_model"],
        served_model=recording["response_model"],
        service_tier=recording["service_tier"],
        finish_reason=recording["finish_reason"],
        request=_request(recording),
        answer=_answer(recording),
        **(_usage(recording["usage"]) if reported else {}),
    )


def recorded_embedding(recording: Recording) -> EmbeddingCall:
    """The fact of a recorded embedding call."""
    return embedding_call(
        started_at=UNDATED,
        provider=recording["provider"],
        requested_model=recording["request_model"],
        served_model=recording["response_model"],
        input_tokens=recording["usage"]["prompt_tokens"],
    )


def _request(recording: Recording) -> Request | None:
    sent = recording["request"]
    if "prompt" in sent:
        prompts = [sent["prompt"]] if isinstance(sent["prompt"], str) else sent["prompt"]
        return Request(messages=tuple(Message(role="prompt", content=prompt) for prompt in prompts))
    return Request(
        messages=tuple(_messages(sent)),
        tools=tuple(sent.get("tools") or sent.get("functions") or ()),
        parameters={key: sent[key] for key in sent if key not in _NOT_PARAMETERS},
    )


def _messages(sent: Recording) -> Iterator[Message]:
    """A chat request's messages, or a Responses request's `instructions` and `input` as such."""
    if isinstance(sent.get("instructions"), str):
        yield Message(role="system", content=sent["instructions"])
    asked = sent.get("messages") or sent.get("input") or ()
    for message in [{"role": "user", "content": asked}] if isinstance(asked, str) else asked:
        if "role" in message:  # else an item of a Responses request that is no message
            yield Message(
                role=message["role"],
                content=message.get("content"),
                name=message.get("name"),
                tool_calls=tuple(message.get("tool_calls") or ()),
            )


def _answer(recording: Recording) -> tuple[Message, ...]:
    if recording["n_choices"] > 1:
        choices = json.loads(recording["response_body"])["choices"]
        return tuple(Message(role="assistant", content=choice["message"]["content"]) for choice in choices)
    refusal = [{"type": "refusal", "refusal": recording["refusal"]}] if recording["refusal"] else None
    return (
        Message(
            role="assistant",
            content=recording["text"] or refusal,
            tool_calls=tuple(recording["tool_calls"]),
        ),
    )


def _usage(usage: Recording) -> dict[str, int | None]:
    """OpenAI's two shapes and Anthropic's, whose input tokens leave the cached ones out."""
    inputs = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    outputs = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    total = usage["prompt_tokens"] if "prompt_tokens" in usage else usage["input_tokens"]
    cached, written = inputs.get("cached_tokens"), inputs.get("cache_write_tokens")
    if "cache_read_input_tokens" in usage:
        cached, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
        total += (cached or 0) + (written or 0)
    return {
        "input_tokens": total,
        "output_tokens": usage.get("completion_tokens", usage.get("output_tokens", 0)),
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "reasoning_tokens": outputs.get("reasoning_tokens"),
        "audio_input_tokens": inputs.get("audio_tokens"),
        "audio_output_tokens": outputs.get("audio_tokens"),
    }
