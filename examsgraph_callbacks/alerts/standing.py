"""How the alerts of a journal stand, for whoever only looks: nothing is made, locked or changed."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from examsgraph_callbacks.alerts.incidents import Incident, incidents
from examsgraph_callbacks.alerts.state import LOCK, state_file
from examsgraph_callbacks.background.locks import is_followed
from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["Standing", "alerts_mark", "alerts_standing"]


class Standing(NamedTuple):
    """Whether anybody `ever` watched for alerts and does `now`, and the incidents, open ones first."""

    ever: bool
    now: bool
    incidents: list[Incident]


def alerts_standing(journal: Path, limit: int = 50) -> Standing:
    """The incidents of the journal in this folder: all that are open, and `limit` in all.

    Raises `InvalidInputError` where what alerts know cannot be read.
    """
    file = state_file(journal)
    if not file.is_file():
        return Standing(ever=False, now=False, incidents=[])
    is_watched = is_followed(file.with_name(LOCK))
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as sql:
            still_open = incidents(sql, open_only=True)
            found = still_open + [
                each for each in incidents(sql, limit=limit) if each.resolved_at is not None
            ]
    except sqlite3.Error as error:
        raise InvalidInputError(f"expected to read what alerts know in {file}, cannot ({error})") from error
    return Standing(ever=True, now=is_watched, incidents=found[: max(limit, len(still_open))])


def alerts_mark(journal: Path) -> str:
    """What tells this moment's alerts from an earlier or a later one."""
    file = state_file(journal)
    try:
        changed = file.stat().st_mtime_ns
    except OSError:
        return "none"
    return f"{changed}:{is_followed(file.with_name(LOCK))}"
