"""File locks that say who is there: who writes a segment, and who follows a journal to a destination.

The system frees them when a process ends, however it ends; so they are right after any crash, and need no
process ids, which would be wrong in another container.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

__all__ = [
    "FOLDER",
    "destination_name",
    "follow_lock",
    "held_by_this_process",
    "is_followed",
    "is_written",
    "mark_written",
    "sole_follower",
]

FOLDER = "shipped"
"""The folder in a journal that holds what is known of its shipping."""

_TRIES = 100
_PAUSE_SECONDS = 0.0001


def mark_written(segment: int) -> None:
    """Let others see that this process writes to a segment, for as long as its descriptor is open."""
    with suppress(ImportError, OSError):  # a system without such locks, a disk that knows none
        import fcntl

        for _ in range(_TRIES):
            try:
                fcntl.flock(segment, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                # somebody asks at this very moment whether it is written, which takes a microsecond
                time.sleep(_PAUSE_SECONDS)
            else:
                return


def is_written(segment: Path) -> bool:
    """Whether a living process has this segment open to write to it."""
    return _is_locked(segment)


def destination_name(tracking_uri: str) -> str:
    """A file name for a destination, given by its absolute URI, which shows nothing of its credentials."""
    import hashlib

    return hashlib.sha256(tracking_uri.encode()).hexdigest()[:16]


def follow_lock(journal: Path, tracking_uri: str) -> Path:
    """The file that is locked by whoever follows `journal` to a destination (an absolute URI)."""
    return journal / FOLDER / f"{destination_name(tracking_uri)}.follow"


def is_followed(lock: Path) -> bool:
    """Whether a living process follows."""
    return _is_locked(lock)


@contextmanager
def sole_follower(lock: Path) -> Iterator[bool]:
    """Whether this process is the one that follows, for as long as the block lasts.

    Raises `OSError` where the lock's folder is not there, or this user may not write in it.
    """
    import fcntl

    with lock.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        with held_by_this_process(file):
            yield True


@contextmanager
def held_by_this_process(lock: TextIO) -> Iterator[None]:
    """Note in a lock's file who holds it; a child that is forked meanwhile does not hold it as well."""
    descriptor = lock.fileno()
    _held.add(descriptor)
    try:
        with suppress(OSError):  # a full disk: nobody is told who it is
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        yield
    finally:
        _held.discard(descriptor)


def _is_locked(path: Path) -> bool:
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        # writers share theirs and a follower does not: only an exclusive one is refused by both
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


_held: set[int] = set()


def _let_go_in_the_child() -> None:
    for descriptor in _held:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, descriptor, inheritable=False)  # whoever closes it later closes no other file
        os.close(nothing)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_the_child)
