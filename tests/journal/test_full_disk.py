"""A full disk is survived: facts are held, written when it clears, and what is dropped is counted."""

import errno
import logging
import os
from pathlib import Path

import pytest

from examsgraph_callbacks.errors import JournalUnavailableError
from examsgraph_callbacks.failures import FailureLog
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal import writer as writer_module
from examsgraph_callbacks.journal.encode import encode_fact
from examsgraph_callbacks.journal.segment import Segment
from examsgraph_callbacks.journal.writer import SegmentWriter
from tests.journal.facts import llm_call


class Disk:
    """Stands in for `os.write`: takes `room` more bytes, then is full, as a real one is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, descriptor: int, line: bytes) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._write(descriptor, line[: self.room])
        self.room -= taken
        return taken


@pytest.fixture
def failure_log(monkeypatch: pytest.MonkeyPatch) -> FailureLog:
    log = FailureLog()
    monkeypatch.setattr(writer_module, "failures", log)
    return log


def _numbers(journal: Journal) -> list[int]:
    return [int(fact.event_id, 16) for fact in journal.read()]


def test_facts_are_held_while_the_disk_is_full_and_written_when_it_clears(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure_log: FailureLog,
) -> None:
    journal = Journal(tmp_path)
    disk = Disk(monkeypatch, room=len(encode_fact(llm_call(0))) + 100)
    for number in range(5):
        journal.write(llm_call(number))
    assert _numbers(journal) == [0]
    assert journal.held == 4

    disk.room = 1_000_000
    journal.write(llm_call(5))
    assert _numbers(journal) == [0, 1, 2, 3, 4, 5]
    assert (journal.held, journal.dropped) == (0, 0)
    assert failure_log.counts()["writing the journal"] == 4


def test_a_half_written_fact_is_taken_back_so_that_no_reader_sees_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure_log: FailureLog,
) -> None:
    journal = Journal(tmp_path)
    Disk(monkeypatch, room=len(encode_fact(llm_call(0))) + 100)
    journal.write(llm_call(0))
    journal.write(llm_call(1))
    (segment,) = journal.segments()
    assert segment.read_bytes() == encode_fact(llm_call(0))


def test_a_half_written_fact_that_cannot_be_taken_back_spoils_no_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure_log: FailureLog,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(_descriptor: int, _size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "ftruncate", refuse)
    journal = Journal(tmp_path)
    disk = Disk(monkeypatch, room=100)
    journal.write(llm_call(0))
    disk.room = 1_000_000
    journal.write(llm_call(1))
    assert _numbers(journal) == [0, 1]
    assert "skipped a line at byte 0" in caplog.text


def test_what_does_not_fit_in_memory_is_dropped_counted_and_logged_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure_log: FailureLog,
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = encode_fact(llm_call(0))
    writer = SegmentWriter(tmp_path, held_limit_bytes=3 * len(line))
    disk = Disk(monkeypatch, room=0)
    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            writer.write(line)
    assert (writer.held, writer.dropped) == (3, 7)
    assert caplog.text.count("holding facts for a full disk failed") == 1

    disk.room = 1_000_000
    writer.close()
    assert len(list(Journal(tmp_path).read())) == 3


def test_a_place_that_cannot_be_made_does_not_raise(tmp_path: Path, failure_log: FailureLog) -> None:
    blocker = tmp_path / "blocker"
    blocker.write_text("")
    journal = Journal(blocker / "journal")
    journal.write(llm_call(0))
    assert journal.held == 1

    blocker.unlink()
    journal.write(llm_call(1))
    assert _numbers(journal) == [0, 1]


def test_who_insists_is_told_and_nothing_of_it_is_held(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure_log: FailureLog,
) -> None:
    journal = Journal(tmp_path)
    disk = Disk(monkeypatch, room=len(encode_fact(llm_call(0))) + 20)
    journal.insist_on_fields(llm_call(0).model_dump(mode="json", exclude_none=True))
    with pytest.raises(JournalUnavailableError, match="the journal cannot be written now: the disk took"):
        journal.insist_on_fields(llm_call(1).model_dump(mode="json", exclude_none=True))
    assert (journal.held, _numbers(journal)) == (0, [0])

    journal.write(llm_call(2))
    with pytest.raises(JournalUnavailableError, match="1 facts wait for the disk already"):
        journal.insist_on_fields(llm_call(3).model_dump(mode="json", exclude_none=True))
    disk.room = 1_000_000
    journal.insist_on_fields(llm_call(4).model_dump(mode="json", exclude_none=True))
    assert (journal.held, _numbers(journal)) == (0, [0, 2, 4])


def test_what_was_written_is_synced_with_the_name_of_its_file_and_a_failing_disk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    journal.sync()
    journal.write(llm_call(0))
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    journal.sync()
    journal.sync()
    (segment,) = journal.segments()
    file, folder = segment.stat().st_ino, tmp_path.stat().st_ino
    assert synced == [file, folder, file]

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(JournalUnavailableError, match="the disk cannot hold the journal: Input/output error"):
        journal.sync()


def test_what_went_to_another_segment_while_the_first_was_synced_is_synced_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, synced = Journal(tmp_path), list[Segment]()
    journal.write(llm_call(1))

    def sync(segment: Segment) -> None:
        synced.append(segment)
        if len(synced) == 1:
            journal.close()
            journal.write(llm_call(2))

    monkeypatch.setattr(Segment, "sync", sync)
    journal.sync()
    assert len(set(synced)) == 2
