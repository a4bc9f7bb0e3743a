"""Token counts in the vocabulary's terms, from the shapes in which frameworks and providers report them."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["SPLIT_OPEN", "Usage", "usage_from_langchain", "usage_from_openai", "usage_from_response"]

SPLIT_OPEN = "cache_write_split_open"
"""By this name a replay, and no provider, says in its usage that the recorded call left it open."""

_TIERS = ("flex_", "priority_")
# as Anthropic has it, and LangChain after it
_FOR_MINUTES = "ephemeral_5m_input_tokens"
_FOR_AN_HOUR = "ephemeral_1h_input_tokens"


class Usage(NamedTuple):
    """What a provider reported, in tokens; None is what it did not say.

    Cached, cache-write and audio-input tokens are parts of input, reasoning and audio-output tokens
    parts of output; what is written to be kept for an hour is a part of the cache writes, and
    `cache_write_split_open` says that nobody knows which part.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    cache_write_split_open: bool | None = None

    def or_else(self, other: "Usage") -> "Usage":
        """The same usage, with what it does not say taken from `other`."""
        return Usage._make(theirs if mine is None else mine for mine, theirs in zip(self, other, strict=True))


def usage_from_langchain(usage: Mapping[str, object]) -> Usage:
    """LangChain's `usage_metadata`: totals, and details that flex and priority tiers prefix."""
    of_input, of_output = usage.get("input_token_details"), usage.get("output_token_details")
    input_tokens, output_tokens = _count(usage.get("input_tokens")), _count(usage.get("output_tokens"))
    if not of_input and not of_output:
        return Usage(input_tokens, output_tokens)
    inputs, outputs = _unprefixed(_mapping(of_input)), _unprefixed(_mapping(of_output))
    written = _cache_writes(inputs)
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=_count(inputs.get("cache_read")),
        cache_write_tokens=written,
        reasoning_tokens=_count(outputs.get("reasoning")),
        audio_input_tokens=_count(inputs.get("audio")),
        audio_output_tokens=_count(outputs.get("audio")),
        cache_write_1h_tokens=None if written is None else _count(inputs.get(_FOR_AN_HOUR)),
        cache_write_split_open=True if written and inputs.get(SPLIT_OPEN) else None,
    )


def usage_from_openai(usage: Mapping[str, object]) -> Usage:
    """OpenAI's `usage` of chat and completion answers."""
    inputs = _mapping(usage.get("prompt_tokens_details"))
    outputs = _mapping(usage.get("completion_tokens_details"))
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=_count(inputs.get("cached_tokens")),
        cache_write_tokens=_count(inputs.get("cache_write_tokens")),
        reasoning_tokens=_count(outputs.get("reasoning_tokens")),
        audio_input_tokens=_count(inputs.get("audio_tokens")),
        audio_output_tokens=_count(outputs.get("audio_tokens")),
    )


def usage_from_response(usage: Mapping[str, object]) -> Usage:
    """The `usage` of a raw answer of OpenAI's chat, completion or Responses API, or of Anthropic's."""
    if "prompt_tokens" in usage:
        return usage_from_openai(usage)
    if "cache_read_input_tokens" in usage:
        return _usage_from_anthropic(usage)
    return _usage_from_openai_responses(usage)


def _usage_from_openai_responses(usage: Mapping[str, object]) -> Usage:
    inputs = _mapping(usage.get("input_tokens_details"))
    outputs = _mapping(usage.get("output_tokens_details"))
    return Usage(
        input_tokens=_count(usage.get("input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
        cached_tokens=_count(inputs.get("cached_tokens")),
        cache_write_tokens=_count(inputs.get("cache_write_tokens")),
        reasoning_tokens=_count(outputs.get("reasoning_tokens")),
    )


def _usage_from_anthropic(usage: Mapping[str, object]) -> Usage:
    """Anthropic counts what it reads from and writes to its cache beside `input_tokens`."""
    uncached = _count(usage.get("input_tokens"))
    cached = _count(usage.get("cache_read_input_tokens"))
    by_lifetime = _mapping(usage.get("cache_creation"))
    written = _cache_writes({"cache_creation": usage.get("cache_creation_input_tokens"), **by_lifetime})
    return Usage(
        input_tokens=None if uncached is None else uncached + (cached or 0) + (written or 0),
        output_tokens=_count(usage.get("output_tokens")),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=_count(_mapping(usage.get("output_tokens_details")).get("thinking_tokens")),
        cache_write_1h_tokens=_count(by_lifetime.get(_FOR_AN_HOUR)),
        cache_write_split_open=True if written and usage.get(SPLIT_OPEN) else None,
    )


def _mapping(value: object) -> Mapping[str, object]:
    # to ask whether None is a Mapping would take longer than all the rest
    return value if value is not None and isinstance(value, (dict, Mapping)) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _unprefixed(details: Mapping[str, object]) -> Mapping[str, object]:
    for key in details:
        if key.startswith(_TIERS):
            break
    else:
        return details
    return {key.removeprefix("flex_").removeprefix("priority_"): value for key, value in details.items()}


def _cache_writes(inputs: Mapping[str, object]) -> int | None:
    """Anthropic's writes come as one count, or (then zero there) split by how long they are kept."""
    if not inputs:
        return None
    total = _count(inputs.get("cache_creation"))
    if total:
        return total
    minutes, hour = _count(inputs.get(_FOR_MINUTES)), _count(inputs.get(_FOR_AN_HOUR))
    return total if minutes is None and hour is None else (minutes or 0) + (hour or 0)
