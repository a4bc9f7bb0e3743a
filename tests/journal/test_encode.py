"""A fact's line: the same whichever encoder wrote it, and written whatever the host put into the fact."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examsgraph_callbacks.events import SCHEMA_VERSION, ToolCall
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.encode import encode_fact, encode_fields
from examsgraph_callbacks.journal.reader import read_line

HALF = "\ud83d"
KOREA = timezone(timedelta(hours=9))

texts = st.text(st.characters(exclude_categories=()), max_size=8)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.binary(max_size=4), st.decimals()
)
values = st.recursive(
    leaves,
    lambda within: st.one_of(st.lists(within, max_size=4), st.dictionaries(texts, within, max_size=4)),
    max_leaves=12,
)
moments = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis takes them so
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, KOREA]),
)


def fields(output: object, started_at: datetime) -> dict[str, object]:
    return {
        "kind": "tool_call",
        "schema_version": SCHEMA_VERSION,
        "event_id": "e",
        "run_id": "r",
        "started_at": started_at,
        "latency_ms": 1.5,
        "output": output,
    }


@settings(deadline=None)
@given(values, moments)
def test_whatever_a_tool_gave_is_one_line_of_utf_8_that_reads_as_its_fact(
    output: object, moment: datetime
) -> None:
    line = encode_fields({name: each for name, each in fields(output, moment).items() if each is not None})
    assert line.count(b"\n") == 1
    fact = read_line(line)
    assert isinstance(fact, ToolCall), fact
    assert fact.started_at == moment


@settings(deadline=None)
@given(values, moments)
def test_fields_and_their_fact_are_written_alike(output: object, moment: datetime) -> None:
    given = {name: each for name, each in fields(output, moment).items() if each is not None}
    by_fields, by_fact = encode_fields(given), encode_fact(ToolCall.model_validate(given))
    read = [json.loads(line) for line in (by_fields, by_fact)]
    moments = [datetime.fromisoformat(one.pop("started_at")) for one in read]
    assert moments == [moment, moment]
    assert json.dumps(read[0]) == json.dumps({name: read[1][name] for name in read[0]})


def within_itself() -> object:
    whole: dict[str, object] = {"정규화": 1}
    whole["whole"] = whole
    return whole


def deep() -> object:
    value: object = "정규화"
    for _ in range(1000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("make", "kept"),
    [
        (lambda: {f"반{HALF}": "정규화"}, {"반?": "정규화"}),
        (lambda: {"a": f"반{HALF}", "b": b"\xff"}, {"a": "반?", "b": "\ufffd"}),
        (lambda: {"a": b"\xff", "b": "정규화"}, {"a": "\ufffd", "b": "정규화"}),
        (within_itself, {"정규화": 1, "whole": "<dict>"}),
    ],
    ids=["half an emoji in a key", "and bytes", "bytes", "within itself"],
)
def test_no_value_costs_a_fact(tmp_path: Path, make: Callable[[], object], kept: Any) -> None:
    journal = Journal(tmp_path)
    journal.write_fields(fields(make(), datetime(2026, 1, 1, tzinfo=UTC)))
    (fact,) = journal.read()
    assert isinstance(fact, ToolCall)
    assert fact.output == kept


def test_nor_does_one_that_is_deeper_than_anybody_reads(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write_fields(fields(deep(), datetime(2026, 1, 1, tzinfo=UTC)))
    (fact,) = journal.read()
    assert isinstance(fact, ToolCall)
