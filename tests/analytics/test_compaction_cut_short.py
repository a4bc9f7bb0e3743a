"""Compaction that is cut short, killed or met by others: nothing is lost, nothing doubled."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from examsgraph_callbacks.analytics.compaction import Compaction
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.columns import read_columns
from examsgraph_callbacks.journal.lake import Lake
from examsgraph_callbacks.journal.store import Folder
from tests.analytics.compacted import answers, compacted, every_id


def test_a_piece_that_the_disk_refused_is_not_passed_over_by_the_next_one(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = partial(read_columns, chunk_bytes=3000)
    monkeypatch.setattr("examsgraph_callbacks.analytics.compaction.read_columns", small)
    before = list(journal.read())
    write, writes = Folder.write, iter(range(10**6))

    def full_for_a_moment(folder: Folder, name: str, content: bytes) -> None:
        if next(writes) == 0:
            raise OSError("the disk is full")
        write(folder, name, content)

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", full_for_a_moment)
        with pytest.raises(OSError, match="full"):
            compacted(journal, rows_a_commit=1)
    assert list(journal.read()) == before
    for _ in range(3):
        compacted(journal, rows_a_commit=1)
    assert journal.segments() == []
    assert list(journal.read()) == before


class CrashingFolder(Folder):
    """A folder whose process ends, so to speak, just before its `last` change."""

    def __init__(self, path: Path, last: int) -> None:
        super().__init__(path)
        self.left = last

    def write(self, name: str, content: bytes | memoryview) -> None:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        super().write(name, content)


def test_cut_short_before_any_of_its_writes_it_loses_and_doubles_nothing(journal: Journal) -> None:
    before, told = every_id(journal), answers(journal)
    cut = 0
    for last in range(100):
        try:
            compacted(journal, lake=Lake(CrashingFolder(journal.path / "lake", last)), rows_a_commit=1)
        except KeyboardInterrupt:
            cut += 1
        else:
            break
        assert every_id(journal) == before
        assert answers(journal) == told
    assert cut > 5
    compacted(journal)
    assert journal.segments() == []
    assert every_id(journal) == before
    assert answers(journal) == told


KILLED = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.journal import Journal

left = int(sys.argv[2])
def kill_at(module, name):
    real = getattr(module, name)
    def counted(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    setattr(module, name, counted)
kill_at(os, "fsync")
kill_at(Path, "replace")
kill_at(Path, "unlink")
for _ in range(2):
    compact(Journal(sys.argv[1]), is_delivered=lambda path, size: True, grace=timedelta(0), rows_a_commit=1)
"""


def killed_at(journal: Journal, step: int) -> int:
    command = [sys.executable, "-c", KILLED, str(journal.path), str(step)]
    return subprocess.run(command, check=False).returncode


@pytest.mark.parametrize(
    "step", [0, 23, 71, *(pytest.param(step, marks=pytest.mark.soak) for step in (1, 4, 20, 45, 69, 70))]
)
def test_killed_at_any_step_it_loses_and_doubles_nothing(journal: Journal, step: int) -> None:
    before, told = every_id(journal), answers(journal)
    assert killed_at(journal, step) == -signal.SIGKILL
    assert every_id(journal) == before
    assert answers(journal) == told
    compacted(journal)
    compacted(journal)
    assert journal.segments() == []
    assert every_id(journal) == before
    assert answers(journal) == told


def test_two_at_once_do_not_both_compact(journal: Journal) -> None:
    def while_another_runs(_segment: Path, _size: int) -> bool:
        seen.append(compacted(journal))
        return True

    seen: list[Compaction] = []
    compacted(journal)
    compacted(journal, is_delivered=while_another_runs)
    assert seen == [Compaction(busy=True)] * 3


def test_a_reader_that_began_before_a_compaction_reads_each_fact_once(journal: Journal) -> None:
    before = every_id(journal)
    reading: Iterator[Fact] = journal.read()
    read = [next(reading).event_id]
    compacted(journal, grace=timedelta(minutes=10))
    read += [fact.event_id for fact in reading]
    assert read == before
