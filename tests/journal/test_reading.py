"""A journal is read whole while others write to it, move it about, or have written nonsense into it."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal, Problem
from examsgraph_callbacks.journal.encode import encode_fact
from examsgraph_callbacks.journal.writer import SegmentWriter
from tests.journal.facts import BEGAN, llm_call


def _numbers(facts: Iterable[Fact]) -> list[int]:
    return [int(fact.event_id, 16) for fact in facts]


def _process(directory: Path) -> Journal:
    """A journal with a writer of its own, as another process has."""
    journal = Journal(directory)
    journal._writer = SegmentWriter(directory)
    return journal


def test_what_is_written_while_it_is_read_is_read_or_left_for_the_next_time(tmp_path: Path) -> None:
    writing, also_writing = _process(tmp_path), _process(tmp_path)
    writing.write(llm_call(0, after_seconds=0))
    also_writing.write(llm_call(1, after_seconds=1))
    problems: list[Problem] = []
    reading = Journal(tmp_path).read(on_problem=problems.append)
    assert _numbers([next(reading)]) == [0]

    writing.write(llm_call(2, after_seconds=2))
    _process(tmp_path).write(llm_call(3, after_seconds=3))
    read = _numbers(reading)
    assert read[0] == 1
    assert set(read) <= {1, 2, 3}
    assert problems == []
    assert _numbers(Journal(tmp_path).read()) == [0, 1, 2, 3]


def test_a_line_that_is_half_there_is_told_and_read_the_next_time(tmp_path: Path) -> None:
    _process(tmp_path).write(llm_call(0, after_seconds=9))
    line = encode_fact(llm_call(1))
    being_written = tmp_path / "20990101T000000.000000Z-1-aaaaaa.jsonl"
    being_written.write_bytes(line[:-20])
    problems: list[Problem] = []
    assert _numbers(Journal(tmp_path).read(on_problem=problems.append)) == [0]
    assert [(problem.segment, "torn" in problem.reason) for problem in problems] == [(being_written, True)]
    being_written.write_bytes(line)
    assert _numbers(Journal(tmp_path).read()) == [1, 0]


def test_a_segment_that_goes_between_being_listed_and_looked_at_was_not_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal = _process(tmp_path)
    journal.write(llm_call(0))
    listed = [*journal.segments(), tmp_path / "20990101T000000.000000Z-1-aaaaaa.jsonl"]
    monkeypatch.setattr(Journal, "segments", lambda _self: listed)
    assert _numbers(Journal(tmp_path).read()) == [0]


def test_a_segment_that_goes_before_its_turn_was_not_there(tmp_path: Path) -> None:
    early, late = _process(tmp_path), _process(tmp_path)
    early.write(llm_call(0, after_seconds=0))
    (first,) = early.segments()
    late.write(llm_call(1, after_seconds=1))
    facts = Journal(tmp_path).read()
    assert _numbers([next(facts)]) == [0]
    for segment in {*late.segments()} - {first}:
        segment.unlink()
    assert _numbers(facts) == []


def test_segments_of_a_process_whose_clock_was_set_back_are_each_in_the_order_of_writing(
    tmp_path: Path,
) -> None:
    other = _process(tmp_path)
    for number in (10, 11, 12):
        other.write(llm_call(number, after_seconds=number * 360))
    journal = _process(tmp_path)
    for number, after_seconds in enumerate((7200, 7201, 3600, 3601)):
        journal.write(llm_call(number, after_seconds=after_seconds))
        if number == 2:
            journal.close()
    read = _numbers(Journal(tmp_path).read())
    assert sorted(read) == [0, 1, 2, 3, 10, 11, 12]
    assert [number for number in read if number in (0, 1, 2)] == [0, 1, 2]
    assert [number for number in read if number >= 10] == [10, 11, 12]
    # the segment that began when the clock said it was earlier stands where its clock says
    assert read.index(3) < read.index(11)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"latency_ms": 1e300}, "it has no end in time"),
        ({"latency_ms": "NaN"}, "it has no end in time"),
        ({"started_at": "9999-12-31T23:59:59.9Z"}, "it has no end in time"),
        ({"started_at": BEGAN.replace(tzinfo=None).isoformat()}, "started_at: expected a time with its zone"),
    ],
)
def test_a_fact_without_a_place_in_time_is_reported_and_the_rest_read(
    change: dict[str, object],
    reason: str,
    tmp_path: Path,
) -> None:
    _process(tmp_path).write(llm_call(1))
    (segment,) = Journal(tmp_path).segments()
    nonsense = json.loads(encode_fact(llm_call(0))) | change
    segment.write_bytes(json.dumps(nonsense).encode() + b"\n" + segment.read_bytes())
    _process(tmp_path).write(llm_call(2, after_seconds=timedelta(days=1).total_seconds()))
    problems: list[Problem] = []
    assert _numbers(Journal(tmp_path).read(on_problem=problems.append)) == [1, 2]
    (problem,) = problems
    assert reason in problem.reason
