"""One file of the journal that is being written to: whole lines, and whether it is still in its place."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from examsgraph_callbacks.background.locks import mark_written

__all__ = ["Segment"]

_FLAGS = (
    os.O_CREAT
    | os.O_EXCL
    | os.O_RDWR
    | os.O_APPEND
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)  # Windows would write each line feed as two characters
)


class Segment:
    """A new file in `directory`, which is made if need be; raises `OSError` where it cannot be.

    Both belong to the user's group as far as the umask allows: under 027 a shipper of the group may read,
    under 007 it may also note there how far it is. They never belong to the world.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o770, parents=True, exist_ok=True)
        began = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        name = f"{began}-{os.getpid()}-{os.urandom(3).hex()}.jsonl"
        self._path = os.fspath(directory / name)
        self._descriptor = os.open(self._path, _FLAGS, 0o660)
        mark_written(self._descriptor)
        self._torn = False
        self._named = False
        self._size_at_look = 0

    def append(self, line: bytes) -> None:
        """Write one line, with its line feed; raises `OSError`, and has written nothing, where it cannot."""
        if self._torn:
            line = b"\n" + line
        written = os.write(self._descriptor, line)
        if written == len(line):
            self._torn = False
            return
        self._undo(written)
        raise OSError(f"the disk took {written} of {len(line)} bytes")

    def is_gone(self) -> bool:
        """Whether it was deleted or moved away; this is the look that `lines_since_look` means."""
        try:
            own = os.fstat(self._descriptor)
        except OSError:
            # a network's file system says of a deleted file that its handle is stale
            return True
        try:
            if own.st_nlink == 0 or not os.path.samestat(own, os.stat(self._path)):  # noqa: PTH116 - it is text
                return True
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            """Who may not look can still write."""
        self._size_at_look = own.st_size
        return False

    def lines_since_look(self) -> Iterator[bytes]:
        """Of a segment that was written to after its deletion, what came since the last look."""
        with suppress(OSError), os.fdopen(os.dup(self._descriptor), "rb") as file:
            state = os.fstat(self._descriptor)
            # a deletion sets the one time, a write both: what was deleted as it stood is to stay so
            if state.st_nlink == 0 and state.st_ctime_ns <= state.st_mtime_ns:
                file.seek(self._size_at_look)
                yield from file

    def sync(self) -> None:
        """Have the disk hold what was written, and once the file's name in its directory."""
        os.fsync(self._descriptor)
        if not self._named and os.name == "posix":
            directory = os.open(os.path.dirname(self._path), os.O_RDONLY)  # noqa: PTH120 - it is text
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        self._named = True

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _undo(self, written: int) -> None:
        """Take back a half-written line, so that no reader ever sees it joined to the next one."""
        if written == 0:
            return
        try:
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
        except OSError:
            self._torn = True
