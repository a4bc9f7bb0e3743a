"""Append lines to this process's own segment: one `write()` a line, surviving forks and full disks."""

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path

from examsgraph_callbacks.background.starting import LOOK_AGAIN_SECONDS, make_sure_it_is_shipped
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal.segment import Segment

__all__ = ["SegmentWriter", "shared_writer"]

HELD_LIMIT_BYTES = 16 * 1024 * 1024
LOOK_EVERY_SECONDS = 1.0


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

    A segment that is deleted or moved away is missed by the first line a second later, and another one
    begun. Of a moved one the lines are where it is now. Of a deleted one those written meanwhile are
    written again: they are lost only where the process is killed before that line.
    """

    def __init__(
        self,
        directory: Path,
        held_limit_bytes: int = HELD_LIMIT_BYTES,
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._held_limit_bytes = held_limit_bytes
        self._monotonic_seconds = monotonic_seconds
        self._start_afresh()
        _writers[id(self)] = self

    def _start_afresh(self) -> None:
        # reentrant: a stream that is garbage-collected in here ends its call on this very thread
        self._lock = threading.RLock()
        self._arrived: deque[bytes] = deque()
        self._writing = False
        self._segment: Segment | None = None
        self._look_at_seconds = 0.0
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
        now_seconds = self._monotonic_seconds()
        with self._lock:
            if self._writing:
                # it arrives in the midst of another, on this very thread, and waits for no later write
                self._arrived.append(line)
            else:
                self._write_now(line, now_seconds)
                if self._arrived:
                    self._write_arrived(now_seconds)
        if now_seconds >= self._look_to_shipping_at:
            self._see_that_it_is_shipped(now_seconds)

    def insist(self, line: bytes) -> None:
        """Append one line; raises `OSError`, and holds nothing of it, where the disk does not take it now."""
        now_seconds = self._monotonic_seconds()
        with self._lock:
            if self._writing:
                raise OSError("another fact is being written by this very thread")
            self._writing = True
            try:
                if now_seconds >= self._look_at_seconds:
                    self._look_for_segment(now_seconds)
                self._write_held()
                if self._held:
                    raise OSError(f"{len(self._held)} facts wait for the disk already")
                self._append(line)
            finally:
                self._writing = False
            self._write_arrived(now_seconds)
        if now_seconds >= self._look_to_shipping_at:
            self._see_that_it_is_shipped(now_seconds)

    def sync(self) -> None:
        """Have the disk itself hold what was written, as far as it says so; raises `OSError`."""
        # not under the lock: it takes milliseconds, in which others may write
        while (segment := self._segment) is not None:
            try:
                segment.sync()
            except OSError:
                if segment is self._segment:
                    raise
                # left meanwhile: what was in it that is missed stands in the next one
            else:
                if segment is self._segment:
                    return

    def _see_that_it_is_shipped(self, now_seconds: float) -> None:
        self._look_to_shipping_at = now_seconds + LOOK_AGAIN_SECONDS
        make_sure_it_is_shipped(self._directory)

    def close(self) -> None:
        """Write what is held, if the disk lets us, and close the segment; a later write opens another."""
        now_seconds = self._monotonic_seconds()
        with self._lock:
            self._writing = True
            try:
                # who deletes a whole journal does not want it back from a process that ends
                if self._directory.is_dir():
                    self._look_for_segment(now_seconds)
                self._write_held()
                if self._held:
                    failures.report(
                        "writing the journal at exit",
                        f"{len(self._held)} facts are lost: the disk still refuses them",
                    )
                self._leave_segment()
            finally:
                self._writing = False
            self._write_arrived(now_seconds)

    def forget_parent(self) -> None:
        """In a forked child: leave the parent's segment, lock and held lines to the parent."""
        self._leave_segment()
        self._start_afresh()

    def _write_arrived(self, now_seconds: float) -> None:
        while self._arrived and not self._writing:
            self._write_now(self._arrived.popleft(), now_seconds)

    def _write_now(self, line: bytes, now_seconds: float) -> None:
        self._writing = True
        try:
            self._write_next(line, now_seconds)
        finally:
            self._writing = False

    def _write_next(self, line: bytes, now_seconds: float) -> None:
        if now_seconds >= self._look_at_seconds:
            self._look_for_segment(now_seconds)
        if self._held:
            self._hold(line)
            self._write_held()
            return
        try:
            self._append(line)
        except OSError as error:
            failures.report("writing the journal", error)
            self._hold(line)

    def _append(self, line: bytes) -> None:
        if self._segment is None:
            self._segment = Segment(self._directory)
        self._segment.append(line)

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

    def _look_for_segment(self, now_seconds: float) -> None:
        self._look_at_seconds = now_seconds + LOOK_EVERY_SECONDS
        gone = self._segment
        if gone is None or not gone.is_gone():
            return
        refused_since, self._held, self._held_bytes = self._held, deque(), 0
        self._segment = None
        for line in gone.lines_since_look():
            self._hold(line)
            self._write_held()
        gone.close()
        for line in refused_since:
            self._hold(line)

    def _leave_segment(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None


_shared: dict[Path, SegmentWriter] = {}
_shared_lock = threading.Lock()
# by id, and not a set: its values can be listed while others come and go
_writers: weakref.WeakValueDictionary[int, SegmentWriter] = weakref.WeakValueDictionary()


def _living_writers() -> list[SegmentWriter]:
    return [writer for reference in _writers.valuerefs() if (writer := reference()) is not None]


def _forget_parents() -> None:
    global _shared_lock  # noqa: PLW0603 - another thread of the parent may have held it during the fork
    _shared_lock = threading.Lock()
    for writer in _living_writers():
        writer.forget_parent()


def _close_all() -> None:
    for writer in _living_writers():
        writer.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents)
atexit.register(_close_all)
