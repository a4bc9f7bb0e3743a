"""How long cache writes are kept is read off the request where the usage does not say."""

from typing import Any

import pytest

from examsgraph_callbacks.capture.lifetimes import written_for_an_hour

HOUR = {"type": "ephemeral", "ttl": "1h"}
MINUTES = {"type": "ephemeral"}


def message(*marks: dict[str, str] | None) -> dict[str, Any]:
    """A message of a block a mark."""
    blocks = [{"type": "text", "text": "…"} | ({"cache_control": mark} if mark else {}) for mark in marks]
    return {"role": "user", "content": blocks}


@pytest.mark.parametrize(
    "request_",
    [
        {"messages": [message(None, HOUR), message(HOUR)]},
        {"messages": [{"role": "tool", "content": [{"type": "tool_result", **message(HOUR)}]}]},
        {"messages": [{"role": "user", "content": "?"}], "tools": [{"name": "a", "cache_control": HOUR}]},
        {"messages": [], "parameters": {"cache_control": HOUR}},
        {"messages": [], "parameters": {"cache_control": [HOUR, HOUR]}},
    ],
)
def test_what_asks_for_an_hour_alone_writes_for_an_hour(request_: dict[str, Any]) -> None:
    assert written_for_an_hour(300, request_) == 300


@pytest.mark.parametrize("mark", [MINUTES, {"type": "ephemeral", "ttl": "5m"}])
def test_what_asks_for_minutes_alone_writes_nothing_for_an_hour(mark: dict[str, str]) -> None:
    assert written_for_an_hour(300, {"messages": [message(mark)]}) == 0


@pytest.mark.parametrize(
    "request_",
    [
        {"messages": [message(HOUR), message(MINUTES)]},
        {"messages": [message(HOUR)], "parameters": {"cache_control": MINUTES}},
        {"messages": [{"role": "user", "content": "1h"}]},
        {"messages": ["<Message>", {"content": ["<dict>", {"cache_control": "<dict>"}]}], "tools": "?"},
        {},
        None,
    ],
)
def test_what_asks_for_both_or_for_nothing_leaves_it_open(request_: object) -> None:
    assert written_for_an_hour(300, request_) is None
