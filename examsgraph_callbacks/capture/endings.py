"""What becomes of open runs where the process ends, or is forked."""

import atexit
import os
import weakref
from typing import Protocol

# what is registered after the journal's own runs before the journal is closed
import examsgraph_callbacks.journal  # noqa: F401

__all__ = ["end_with_the_process"]


class HoldsOpenRuns(Protocol):
    """Whoever has runs that have begun and not ended."""

    def end_all(self) -> None:
        """The process ends."""

    def forget_all(self) -> None:
        """A forked child has begun, and the runs are its parent's."""


def end_with_the_process(recorder: HoldsOpenRuns) -> None:
    """See to it, for as long as `recorder` lives, that what it holds is ended once, and by one process."""
    _recorders.add(recorder)


_recorders: weakref.WeakSet[HoldsOpenRuns] = weakref.WeakSet()


def _end_all() -> None:
    for recorder in list(_recorders):
        recorder.end_all()


def _forget_all() -> None:
    for recorder in list(_recorders):
        recorder.forget_all()


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
