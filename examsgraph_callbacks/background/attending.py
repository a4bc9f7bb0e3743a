"""What the parent of a recorded application does beside waiting for it: it sees to its journal's shipping."""

from __future__ import annotations

import os

from examsgraph_callbacks.background.helper import can_help, start_helper

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ["Attending"]

_BEFORE_THE_FIRST_FACT_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 60.0


class Attending:
    """Called now and then, starts the helper of a journal that is written and that nobody ships.

    Each call returns the seconds until the next one; None where there is nothing to attend to.
    """

    def __init__(self, journal: str) -> None:
        self._journal = journal
        self._at_first = _changed_at(journal)
        self._starting: Popen[bytes] | None = None

    def __call__(self) -> float | None:
        """Look at the journal, and start what is missing."""
        chosen = os.environ.get("EXAMSGRAPH_SHIP")
        if chosen == "off" or not (chosen or can_help()):
            return None
        if self._starting is None and _changed_at(self._journal) == self._at_first:
            return _BEFORE_THE_FIRST_FACT_SECONDS
        # the last one stands on its own feet by now: there is no end of it left to wait for
        if (self._starting is None or self._starting.poll() is not None) and not _is_followed(self._journal):
            self._starting = start_helper(self._journal)
        return _LOOK_AGAIN_SECONDS


def _changed_at(journal: str) -> int | None:
    """When a segment was last added; None where there is no journal yet."""
    try:
        return os.stat(journal).st_mtime_ns  # noqa: PTH116 - pathlib takes long to import
    except OSError:
        return None


def _is_followed(journal: str) -> bool:
    from pathlib import Path

    from examsgraph_callbacks.background.locks import follow_lock, is_followed
    from examsgraph_callbacks.defaults import absolute, default_tracking_uri

    path = Path(journal)
    return is_followed(follow_lock(path, absolute(default_tracking_uri(path))))
