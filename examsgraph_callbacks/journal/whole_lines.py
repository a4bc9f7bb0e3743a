"""The whole lines of a segment, some megabytes at a time, where they were read to: nothing is copied."""

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

__all__ = ["CHUNK_BYTES", "whole_lines"]

CHUNK_BYTES = 16 * 1024 * 1024

_A_FEW_LINES = 64 * 1024


def whole_lines(segment: Path, begin: int, chunk_bytes: int = CHUNK_BYTES) -> Iterator[pa.Buffer]:
    """What stands from byte `begin` on, as far as it has ended, about `chunk_bytes` at a time."""
    with segment.open("rb", buffering=0) as file:
        file.seek(begin)
        rest = pa.py_buffer(b"")
        while True:
            left = os.fstat(file.fileno()).st_size - file.tell()
            # there may be many small segments, whose lines are held together
            data = pa.allocate_buffer(rest.size + max(1, min(left, chunk_bytes)), resizable=True)
            room = memoryview(data)
            room[: rest.size] = rest
            read = file.readinto(room[rest.size :])
            filled = rest.size + read
            whole = _last_line_feed(room[:filled], rest.size) + 1
            room.release()
            if whole:
                yield data[:whole]
            rest = data[whole:filled]
            if not read:
                return


def _last_line_feed(data: memoryview, begin: int) -> int:
    """Where the last one stands, from `begin` on; -1 where there is none."""
    end = len(data)
    while end > begin:
        some = max(begin, end - _A_FEW_LINES)
        found = bytes(data[some:end]).rfind(b"\n")
        if found >= 0:
            return some + found
        end = some
    return -1
