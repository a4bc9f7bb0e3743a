"""What holds where nobody says otherwise: known before anything heavy is imported."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "JOURNAL",
    "LAKE_FOLDER",
    "REPLAYED",
    "SQLITE",
    "ZERO_SECONDS",
    "absolute",
    "default_tracking_uri",
]

JOURNAL = ".examsgraph/journal"
"""The journal's directory, relative to the working directory."""

REPLAYED = ".examsgraph/replay"
"""Where a replayed application's facts go, apart from those of calls that somebody paid for."""

LAKE_FOLDER = "lake"
"""The folder in a journal that holds what was compacted, where no other place is set."""

ZERO_SECONDS = 150.0
"""How long a series that is new is told as 0.

Prometheus' `increase()` sees nothing of what a series begins with. Whoever scrapes once a minute, its
default, sees the 0 twice in this time, or once where a scrape fails; several servers may scrape.
"""

SQLITE = "sqlite:///"


def default_tracking_uri(journal: Path) -> str:
    """`MLFLOW_TRACKING_URI`, else the sqlite file `mlflow.db` beside the journal's directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{journal.absolute().parent / 'mlflow.db'}"


def absolute(tracking_uri: str) -> str:
    """The URI with nothing left that depends on the working directory, and no slash at its end.

    A local folder stands for the sqlite file `mlflow.db` in it: MLflow's own folders hold no spans.
    """
    path = tracking_uri.removeprefix(SQLITE) if tracking_uri.startswith(SQLITE) else None
    if path is None and (folder := _folder(tracking_uri)):
        path = f"{folder.rstrip('/')}/mlflow.db"
    if path is None:
        return tracking_uri.rstrip("/")
    from pathlib import Path

    return f"{SQLITE}{Path(path).absolute()}"


def _folder(tracking_uri: str) -> str | None:
    """The folder that the URI names as MLflow reads it; None where it names something else."""
    if tracking_uri.startswith("file:"):
        return tracking_uri.removeprefix("file:").removeprefix("//")
    return None if ":" in tracking_uri or tracking_uri == "databricks" else tracking_uri
