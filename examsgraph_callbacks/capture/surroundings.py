"""The recorded run around a call that no framework made itself, whichever framework it is."""

from collections.abc import Callable
from uuid import UUID

from examsgraph_callbacks.capture.open_runs import find_open_run

__all__ = ["know_surroundings", "surrounding_run"]

FindRun = Callable[[], UUID | None]

# a dict keeps the order, and each way once
_ways: dict[FindRun, None] = {}


def know_surroundings(find_run: FindRun) -> None:
    """Ask `find_run`, from now on, for the innermost run of its framework around a call."""
    _ways[find_run] = None


def surrounding_run() -> UUID | None:
    """The run around this call that began last, of those that are being recorded."""
    found = [(run_id, find_open_run(run_id)) for find_run in tuple(_ways) if (run_id := find_run())]
    known = [(run.started_ns, run_id) for run_id, run in found if run is not None]
    return max(known)[1] if known else None
