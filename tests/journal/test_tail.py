"""Reading on in a journal: each fact once, wherever it went meanwhile."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.encode import encode_fact
from examsgraph_callbacks.journal.tail import Tail
from tests.deliver.factories import BEGAN, feedback

SINCE = BEGAN - timedelta(days=1)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    folder = tmp_path / "journal"
    folder.mkdir()
    return Journal(folder)


def write(journal: Journal, segment: str, *seconds: int) -> None:
    with (journal.path / f"{segment}.jsonl").open("ab") as file:
        for second in seconds:
            file.write(encode_fact(feedback(after_seconds=second)))


def read(tail: Tail, since: datetime = SINCE) -> list[int]:
    return [int((fact.started_at - BEGAN).total_seconds()) for fact in tail.new(since)]


def compacted(journal: Journal) -> None:
    for _ in range(2):  # moved, then removed
        compact(journal, is_delivered=lambda _segment, _size: True, grace=timedelta(0))


def test_each_look_reads_what_is_new(journal: Journal) -> None:
    tail = Tail(journal)
    assert read(tail) == []
    write(journal, "a", 1, 2)
    assert read(tail) == [1, 2]
    write(journal, "a", 3)
    write(journal, "b", 4)
    assert read(tail) == [3, 4]
    assert read(tail) == []
    assert read(Tail(journal, tail.offsets)) == []


def test_a_torn_line_waits_for_its_end(journal: Journal) -> None:
    tail, line = Tail(journal), encode_fact(feedback(after_seconds=7))
    (journal.path / "a.jsonl").write_bytes(line[:50])
    assert read(tail) == []
    (journal.path / "a.jsonl").write_bytes(line)
    assert read(tail) == [7]


def test_what_was_compacted_and_removed_before_it_was_read_is_read_from_the_lake(journal: Journal) -> None:
    write(journal, "a", 1, 2)
    tail = Tail(journal)
    assert read(tail) == [1, 2]
    write(journal, "a", 3)
    write(journal, "b", 4)
    compacted(journal)
    assert journal.segments() == []
    assert sorted(read(tail)) == [3, 4]
    assert read(tail) == []
    assert read(Tail(journal, tail.offsets)) == []
    assert sorted(read(Tail(journal))) == [1, 2, 3, 4]


def test_a_segment_that_nobody_wrote_to_for_long_is_passed_over(journal: Journal) -> None:
    write(journal, "old", 1)
    long_ago = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    os.utime(journal.path / "old.jsonl", (long_ago, long_ago))
    tail = Tail(journal)
    assert read(tail) == []
    write(journal, "old", 2)
    assert read(tail) == [2]


def test_a_segment_that_was_deleted_is_forgotten(journal: Journal) -> None:
    write(journal, "a", 1)
    tail = Tail(journal)
    read(tail)
    (journal.path / "a.jsonl").unlink()
    assert read(tail) == []
    assert tail.offsets == {}


def test_who_is_cut_short_while_reading_the_lake_reads_nothing_twice(journal: Journal) -> None:
    write(journal, "a", 1, 3)
    write(journal, "b", 2, 4)
    compacted(journal)
    tail = Tail(journal)
    facts = iter(tail.new(SINCE))
    assert [next(facts).event_id for _ in range(2)] == [feedback(after_seconds=n).event_id for n in (1, 2)]
    del facts

    assert read(tail) == [3, 4]
    assert read(tail) == []
