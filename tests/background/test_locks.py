"""Who writes a segment is seen by others, whenever they look."""

import fcntl
import os
from pathlib import Path

import pytest

from examsgraph_callbacks.background.locks import is_written
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.segment import Segment
from tests.deliver.factories import turn_root


def test_who_is_looked_at_in_the_moment_of_beginning_is_seen_to_write_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, asking = fcntl.flock, list[int]()

    def asked_just_before(descriptor: int, how: int) -> None:
        if not asking and how & fcntl.LOCK_SH:
            asking.append(os.open(next(tmp_path.glob("*.jsonl")), os.O_RDONLY))
            flock(asking[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        flock(descriptor, how)

    def has_asked(_seconds: float) -> None:
        flock(asking[0], fcntl.LOCK_UN)

    monkeypatch.setattr(fcntl, "flock", asked_just_before)
    monkeypatch.setattr("examsgraph_callbacks.background.locks.time.sleep", has_asked)
    segment = Segment(tmp_path)
    monkeypatch.undo()
    (path,) = tmp_path.glob("*.jsonl")
    os.close(asking[0])

    assert is_written(path)
    segment.close()
    assert not is_written(path)


def test_a_segment_is_written_for_as_long_as_its_process_lives(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(turn_root())
    (segment,) = journal.segments()
    assert is_written(segment)
    child = os.fork()
    if child == 0:
        os._exit(0 if is_written(segment) else 1)
    assert os.waitpid(child, 0)[1] == 0
    journal.close()
    assert not is_written(segment)
