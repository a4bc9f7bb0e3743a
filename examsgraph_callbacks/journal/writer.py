"""Append lines to this process's own segment: one `write()` a line, surviving forks and full disks."""

import atexit
import os
import threading
import time
import weakref
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from examsgraph_callbacks.background.locks import mark_written
from examsgraph_callbacks.background.starting import LOOK_AGAIN_SECONDS, make_sure_it_is_shipped
from examsgraph_callbacks.failures import failures

__all__ = ["SegmentWriter", "shared_writer"]

HELD_LIMIT_BYTES = 16 * 1024 * 1024


def shared_writer(directory: Path) -> "SegmentWriter":
    """The process's one writer for `directory`, however many journals and handlers ask for it."""
    with _shared_lock:
        writer = _shared.get(directory)
        if writer is None:
            writer = _shared[directory] = SegmentWriter(directory)
        return writer


class SegmentWriter:
    """Writes to a segment of its own in `directory`, which the first line creates.

    Lines that the disk refuses are held, up to `held_limit_bytes`, and written before the next one;
    beyond that they are dropped, counted and logged. While it is written, the journal is shipped: the
    first line, and one a minute, see to that.
    """

    def __init__(self, directory: Path, held_limit_bytes: int = HELD_LIMIT_BYTES) -> None:
        self._directory = directory
        self._held_limit_bytes = held_limit_bytes
        self._start_afresh()
        _writers.add(self)

    def _start_afresh(self) -> None:
        # reentrant: a stream that is garbage-collected in here ends its call on this very thread
        self._lock = threading.RLock()
        self._descriptor: int | None = None
        self._torn = False
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._look_to_shipping_at = 0.0
        self.dropped = 0

    @property
    def held(self) -> int:
        """How many lines wait for the disk."""
        return len(self._held)

    def write(self, line: bytes) -> None:
        """Append one line, which ends in a line feed."""
        with self._lock:
            if self._held:
                self._hold(line)
                self._write_held()
                return
            try:
                self._append(line)
            except OSError as error:
                failures.report("writing the journal", error)
                self._hold(line)
        if (now := time.monotonic()) >= self._look_to_shipping_at:
            self._look_to_shipping_at = now + LOOK_AGAIN_SECONDS
            make_sure_it_is_shipped(self._directory)

    def close(self) -> None:
        """Write what is held, if the disk lets us, and close the segment; a later write opens another."""
        with self._lock:
            self._write_held()
            if self._held:
                failures.report(
                    "writing the journal at exit",
                    f"{len(self._held)} facts are lost: the disk still refuses them",
                )
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def forget_parent(self) -> None:
        """In a forked child: leave the parent's segment, lock and held lines to the parent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._start_afresh()

    def _append(self, line: bytes) -> None:
        if self._descriptor is None:
            self._descriptor = self._open_segment()
        if self._torn:
            line = b"\n" + line
        written = os.write(self._descriptor, line)
        if written == len(line):
            self._torn = False
            return
        self._undo(written)
        raise OSError(f"the disk took {written} of {len(line)} bytes")

    def _undo(self, written: int) -> None:
        """Take back a half-written line, so that no reader ever sees it joined to the next one."""
        descriptor = self._descriptor
        if descriptor is None or written == 0:
            return
        try:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
        except OSError:
            self._torn = True

    def _open_segment(self) -> int:
        self._directory.mkdir(parents=True, exist_ok=True)
        began = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        name = f"{began}-{os.getpid()}-{os.urandom(3).hex()}.jsonl"
        # others of the group may read (a shipper beside the application), the world may not
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(self._directory / name, flags, 0o660)
        mark_written(descriptor)
        return descriptor

    def _hold(self, line: bytes) -> None:
        if self._held_bytes + len(line) > self._held_limit_bytes:
            self.dropped += 1
            failures.report(
                "holding facts for a full disk",
                f"{self.dropped} facts dropped: {self._held_bytes} bytes are held already",
            )
            return
        self._held.append(line)
        self._held_bytes += len(line)

    def _write_held(self) -> None:
        try:
            while self._held:
                self._append(self._held[0])
                self._held_bytes -= len(self._held.popleft())
        except OSError as error:
            failures.report("writing the journal", error)


_shared: dict[Path, SegmentWriter] = {}
_shared_lock = threading.Lock()
_writers: weakref.WeakSet[SegmentWriter] = weakref.WeakSet()


def _forget_parents() -> None:
    global _shared_lock  # noqa: PLW0603 - another thread of the parent may have held it during the fork
    _shared_lock = threading.Lock()
    for writer in list(_writers):
        writer.forget_parent()


def _close_all() -> None:
    for writer in list(_writers):
        writer.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents)
atexit.register(_close_all)
