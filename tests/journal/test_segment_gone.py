"""A segment that is deleted or moved away under its writer: another one is begun, and no fact is lost."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from examsgraph_callbacks.failures import FailureLog
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal import writer as writer_module
from examsgraph_callbacks.journal.segment import Segment
from examsgraph_callbacks.journal.writer import LOOK_EVERY_SECONDS, SegmentWriter
from tests.journal.facts import llm_call


class Seconds:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def journal(tmp_path: Path, seconds: Seconds) -> Journal:
    journal = Journal(tmp_path / "journal")
    journal._writer = SegmentWriter(journal.path, monotonic_seconds=seconds)
    return journal


def _numbers(journal: Journal) -> list[int]:
    return [int(fact.event_id, 16) for fact in journal.read()]


def _delete_segment(journal: Journal) -> None:
    (segment,) = journal.segments()
    segment.unlink()


def _delete_directory(journal: Journal) -> None:
    shutil.rmtree(journal.path)


@pytest.mark.parametrize("delete", [_delete_segment, _delete_directory])
def test_after_a_deletion_another_segment_is_begun_and_nothing_written_since_is_lost(
    delete: Callable[[Journal], None],
    journal: Journal,
    seconds: Seconds,
) -> None:
    journal.write(llm_call(0))
    seconds.now += LOOK_EVERY_SECONDS
    journal.write(llm_call(1))  # the segment was looked at just before this one
    delete(journal)
    journal.write(llm_call(2))
    assert _numbers(journal) == []

    seconds.now += LOOK_EVERY_SECONDS
    journal.write(llm_call(3))
    assert _numbers(journal) == [1, 2, 3]
    assert (journal.held, journal.dropped) == (0, 0)


def test_who_ends_within_the_second_loses_nothing_either(journal: Journal) -> None:
    journal.write(llm_call(0))
    _delete_segment(journal)
    journal.write(llm_call(1))
    journal.close()
    assert _numbers(journal) == [0, 1]


def test_a_directory_that_was_deleted_is_not_made_again_by_the_end(journal: Journal) -> None:
    journal.write(llm_call(0))
    _delete_directory(journal)
    journal.close()
    assert not journal.path.exists()


def test_a_handle_that_a_network_calls_stale_is_left_for_another(
    journal: Journal,
    seconds: Seconds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_descriptor: int) -> os.stat_result:
        raise OSError(errno.ESTALE, "Stale file handle")

    journal.write(llm_call(0))
    seconds.now += LOOK_EVERY_SECONDS
    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", refuse)
        journal.write(llm_call(1))
    assert len(journal.segments()) == 2
    assert _numbers(journal) == [0, 1]


def test_what_was_deleted_after_the_last_fact_does_not_come_back(
    journal: Journal,
    seconds: Seconds,
) -> None:
    journal.write(llm_call(0))
    (segment,) = journal.segments()
    an_hour_ago = segment.stat().st_mtime - 3600
    os.utime(segment, (an_hour_ago, an_hour_ago))
    segment.unlink()
    seconds.now += LOOK_EVERY_SECONDS
    journal.write(llm_call(1))
    assert _numbers(journal) == [1]


def test_deleted_while_the_disk_is_full_the_facts_are_held_in_their_order(
    journal: Journal,
    seconds: Seconds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer_module, "failures", FailureLog())
    journal.write(llm_call(0))
    _delete_segment(journal)
    journal.write(llm_call(1))
    seconds.now += LOOK_EVERY_SECONDS
    write = os.write

    def refuse(_descriptor: int, _line: bytes) -> int:
        raise OSError

    monkeypatch.setattr(os, "write", refuse)
    journal.write(llm_call(2))
    assert journal.held == 3
    monkeypatch.setattr(os, "write", write)
    journal.write(llm_call(3))
    assert _numbers(journal) == [0, 1, 2, 3]


@pytest.mark.parametrize("what", ["segment", "directory"])
def test_what_is_moved_away_is_left_there_and_another_segment_begun(
    what: str,
    journal: Journal,
    seconds: Seconds,
    tmp_path: Path,
) -> None:
    archive = tmp_path / "archive"
    journal.write(llm_call(0))
    if what == "directory":
        journal.path.rename(archive)
    else:
        archive.mkdir()
        (segment,) = journal.segments()
        segment.rename(archive / segment.name)
    journal.write(llm_call(1))
    seconds.now += LOOK_EVERY_SECONDS
    journal.write(llm_call(2))
    assert _numbers(Journal(archive)) == [0, 1]
    assert _numbers(journal) == [2]


def test_another_file_under_its_name_is_not_taken_for_it(journal: Journal, seconds: Seconds) -> None:
    journal.write(llm_call(0))
    (segment,) = journal.segments()
    content = segment.read_bytes()
    segment.unlink()
    segment.write_bytes(content)
    seconds.now += LOOK_EVERY_SECONDS
    journal.write(llm_call(1))
    assert len(journal.segments()) == 2
    assert _numbers(journal)[-1] == 1


def test_it_is_looked_at_once_a_second_at_most(
    journal: Journal,
    seconds: Seconds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = []

    def is_gone(segment: Segment) -> bool:
        looks.append(segment)
        return False

    monkeypatch.setattr(Segment, "is_gone", is_gone)
    for _ in range(100):
        journal.write(llm_call(0))
    assert looks == []
    seconds.now += LOOK_EVERY_SECONDS
    for _ in range(100):
        journal.write(llm_call(0))
    assert len(looks) == 1


def test_where_it_may_not_be_looked_at_it_is_written_to_as_before(
    journal: Journal,
    seconds: Seconds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_path: str) -> os.stat_result:
        raise PermissionError

    journal.write(llm_call(0))
    seconds.now += LOOK_EVERY_SECONDS
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", refuse)
        journal.write(llm_call(1))
    assert len(journal.segments()) == 1
    assert _numbers(journal) == [0, 1]
