"""What was sent to a model, as the fields of a `Request`, whichever framework sent it."""

from collections.abc import Mapping, Sequence

from examsgraph_callbacks.capture.content import plain

__all__ = ["PARAMETERS", "recorded_request"]

# named one by one: what a framework sends along also carries clients, headers and keys, never recorded
PARAMETERS = frozenset(
    {
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "n",
        "seed",
        "stop",
        "frequency_penalty",
        "presence_penalty",
        "reasoning_effort",
        "reasoning",
        "response_format",
        "service_tier",
        "tool_choice",
        "parallel_tool_calls",
        "stream_options",
        "cache_control",
    }
)


def recorded_request(
    messages: list[dict[str, object]],
    parameters: Mapping[str, object],
) -> dict[str, object]:
    """A `Request`'s fields: of `parameters` those in `PARAMETERS` that were given, and the tools offered."""
    request: dict[str, object] = {
        "messages": messages,
        "parameters": {
            key: plain(value) for key, value in parameters.items() if key in PARAMETERS and value is not None
        },
    }
    tools = parameters.get("tools") or parameters.get("functions")
    if isinstance(tools, Sequence):
        request["tools"] = [plain(tool) for tool in tools]
    return request
