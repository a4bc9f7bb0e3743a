"""Has a journal compacted while it is shipped, by a process of its own, when that is worth it."""

import subprocess
import sys
from datetime import datetime, timedelta

from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.lake import waiting_bytes

__all__ = ["WORTH_IT_BYTES", "Upkeep"]

WORTH_IT_BYTES = 64 * 1024 * 1024
"""So much that nobody writes any more, read line by line, makes a question slow (about a second)."""

_LOOK_EVERY = timedelta(minutes=10)


class Upkeep:
    """Looks every ten minutes whether `examsgraph compact` is worth its while, and starts it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._looked_at: datetime | None = None
        self._running: subprocess.Popen[bytes] | None = None

    def look(self, now: datetime) -> None:
        """Start a compaction if it is time; never waits for one, and never raises."""
        if self._running is not None and self._running.poll() is not None:
            self._running = None
        early = self._looked_at is not None and timedelta(0) <= now - self._looked_at < _LOOK_EVERY
        if early or self._running is not None:
            return
        self._looked_at = now
        try:
            if waiting_bytes(self._journal.path, self._journal.segments()) >= WORTH_IT_BYTES:
                self._running = self._start()
        except Exception as error:  # noqa: BLE001 - a lake that cannot be reached holds up no delivery
            failures.report("compacting the journal", error)

    def _start(self) -> "subprocess.Popen[bytes]":
        # its memory is given back when it ends; the shipper's would stay
        command = [
            sys.executable,
            "-m",
            "examsgraph_callbacks",
            "compact",
            "--journal",
            str(self._journal.path),
        ]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
