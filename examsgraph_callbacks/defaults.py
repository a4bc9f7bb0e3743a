"""Where things are kept if nobody says otherwise: known before anything heavy is imported."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["JOURNAL", "REPLAYED", "SQLITE", "absolute", "default_tracking_uri"]

JOURNAL = ".examsgraph/journal"
"""The journal's directory, relative to the working directory."""

REPLAYED = ".examsgraph/replay"
"""Where a replayed application's facts go, apart from those of calls that somebody paid for."""

SQLITE = "sqlite:///"


def default_tracking_uri(journal: Path) -> str:
    """`MLFLOW_TRACKING_URI`, else the sqlite file `mlflow.db` beside the journal's directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{journal.absolute().parent / 'mlflow.db'}"


def absolute(tracking_uri: str) -> str:
    """The URI with nothing left that depends on the working directory, and no slash at its end."""
    if tracking_uri.startswith(SQLITE):
        from pathlib import Path

        return f"{SQLITE}{Path(tracking_uri.removeprefix(SQLITE)).absolute()}"
    return tracking_uri.rstrip("/")
