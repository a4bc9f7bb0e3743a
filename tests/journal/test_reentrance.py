"""A garbage-collected stream ends its call on whatever thread is running, also inside of a write."""

import errno
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from examsgraph_callbacks.failures import FailureLog
from examsgraph_callbacks.journal import segment as segment_module
from examsgraph_callbacks.journal import writer as writer_module
from examsgraph_callbacks.journal.writer import SegmentWriter

EARLIER, OWN, FINALIZED = b"earlier", b"own", b"of a stream that was garbage-collected"


@pytest.fixture(autouse=True)
def failure_log(monkeypatch: pytest.MonkeyPatch) -> FailureLog:
    log = FailureLog()
    monkeypatch.setattr(writer_module, "failures", log)
    return log


@contextmanager
def at_step(number: int, finalize: Callable[[], None]) -> Iterator[list[int]]:
    """Call `finalize` before the writer's `number`-th instruction, where a collection might; counts them."""
    steps = [0]

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        if frame.f_code.co_filename not in (writer_module.__file__, segment_module.__file__):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps[0] += 1
            if steps[0] == number:
                sys.settrace(None)
                finalize()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield steps
    finally:
        sys.settrace(before)


class Disk:
    """Stands in for `os.write`: refuses, or takes half of a line, when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        self.takes_half = False
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, descriptor: int, line: bytes) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.takes_half:
            self.takes_half = False
            return self._write(descriptor, line[: len(line) // 2])
        return self._write(descriptor, line)


Write = Callable[[SegmentWriter, Disk], None]


def _first_line(_writer: SegmentWriter, _disk: Disk) -> None:
    """The line that opens the segment."""


def _with_held_lines(writer: SegmentWriter, disk: Disk) -> None:
    disk.is_full = True
    for number in range(3):
        writer.write(EARLIER + b"%d\n" % number)
    disk.is_full = False


def _half_taken(writer: SegmentWriter, disk: Disk) -> None:
    writer.write(EARLIER + b"\n")
    disk.takes_half = True


def _refused(writer: SegmentWriter, disk: Disk) -> None:
    writer.write(EARLIER + b"\n")
    disk.is_full = True


def _lines(directory: Path) -> list[bytes]:
    return [line for file in sorted(directory.glob("*.jsonl")) for line in file.read_bytes().splitlines()]


@pytest.mark.parametrize("prepare", [_first_line, _with_held_lines, _half_taken, _refused])
@pytest.mark.parametrize("method", ["write", "close"])
def test_at_whatever_instruction_it_comes_each_line_is_written_once(
    method: str,
    prepare: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = Disk(monkeypatch)
    number = 0
    steps = [1]
    while number <= steps[0]:
        number += 1
        directory = tmp_path / str(number)
        writer = SegmentWriter(directory)
        prepare(writer, disk)
        earlier = [*_lines(directory), *writer._held]

        def finalize(writer: SegmentWriter = writer) -> None:
            writer.write(FINALIZED + b"\n")

        with at_step(number, finalize) as steps:
            if method == "write":
                writer.write(OWN + b"\n")
            else:
                writer.close()
        disk.is_full = disk.takes_half = False
        writer.close()
        expected = Counter(line.strip() for line in earlier)
        expected.update([OWN] if method == "write" else [])
        expected.update([FINALIZED] if number <= steps[0] else [])
        assert Counter(_lines(directory)) == expected, f"at instruction {number} of {steps[0]}"
        assert (writer.held, writer._held_bytes, writer.dropped) == (0, 0, 0)
        assert writer._segment is None
    assert number > 20


def test_it_waits_for_no_later_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SegmentWriter(tmp_path)
    real_write = os.write

    def write(descriptor: int, line: bytes) -> int:
        if line.startswith(OWN):
            writer.write(FINALIZED + b"\n")
        return real_write(descriptor, line)

    monkeypatch.setattr(os, "write", write)
    writer.write(OWN + b"\n")
    assert _lines(tmp_path) == [OWN, FINALIZED]
