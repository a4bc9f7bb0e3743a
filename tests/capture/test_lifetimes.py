"""How long cache writes are kept is read off the request where the usage does not say."""

from typing import Any

import pytest

from examsgraph_callbacks.capture.lifetimes import cache_write_split

HOUR = {"type": "ephemeral", "ttl": "1h"}
MINUTES = {"type": "ephemeral"}


def message(*marks: dict[str, str] | None) -> dict[str, Any]:
    """A message of a block a mark."""
    blocks = [{"type": "text", "text": "…"} | ({"cache_control": mark} if mark else {}) for mark in marks]
    return {"role": "user", "content": blocks}


def written(request: object, **usage: object) -> dict[str, object]:
    """The fields of a call that wrote 300 tokens."""
    return {"cache_write_tokens": 300, "request": request, **usage}


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
    assert cache_write_split(written(request_)) == {"cache_write_1h_tokens": 300}


@pytest.mark.parametrize("mark", [MINUTES, {"type": "ephemeral", "ttl": "5m"}])
def test_what_asks_for_minutes_alone_writes_nothing_for_an_hour(mark: dict[str, str]) -> None:
    assert cache_write_split(written({"messages": [message(mark)]})) == {"cache_write_1h_tokens": 0}


@pytest.mark.parametrize(
    "request_",
    [
        {"messages": [message(HOUR), message(MINUTES)]},
        {"messages": [message(HOUR)], "parameters": {"cache_control": MINUTES}},
        {"messages": [message(MINUTES)], "tools": [{"name": "a", "cache_control": HOUR}]},
        {"messages": [], "parameters": {"cache_control": [HOUR, MINUTES]}},
        {"messages": [message({"type": "ephemeral", "ttl": "24h"})]},
    ],
)
def test_what_asks_for_both_or_for_another_leaves_it_open(request_: dict[str, Any]) -> None:
    assert cache_write_split(written(request_)) == {"cache_write_split_open": True}


@pytest.mark.parametrize(
    "request_",
    [
        {"messages": [{"role": "user", "content": "1h"}]},
        {"messages": ["<Message>", {"content": ["<dict>", {"cache_control": "<dict>"}]}], "tools": "?"},
        {},
        None,
    ],
)
def test_what_asks_for_nothing_says_nothing(request_: object) -> None:
    assert cache_write_split(written(request_)) == {}


@pytest.mark.parametrize(
    "usage",
    [
        {"cache_write_tokens": 0},
        {"cache_write_tokens": None},
        {"cache_write_1h_tokens": 0},
        {"cache_write_1h_tokens": 100},
        {"cache_write_split_open": True},
    ],
)
def test_where_nothing_was_written_or_the_usage_told_it_nobody_looks_at_the_request(
    usage: dict[str, object],
) -> None:
    request = {"messages": [message(HOUR)], "parameters": {"cache_control": MINUTES}}
    assert cache_write_split(written(request, **usage)) == {}
