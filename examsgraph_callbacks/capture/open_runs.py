"""Runs that have begun and not ended: one small object each, in a store that cannot grow for ever."""

import weakref
from asyncio import Task
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from examsgraph_callbacks.capture.context import Context
from examsgraph_callbacks.events import RunFact
from examsgraph_callbacks.failures import failures

__all__ = ["FactWriter", "OpenRun", "OpenRuns", "find_open_run", "shared_open_runs"]

OPEN_RUNS_LIMIT = 100_000


class FactWriter(Protocol):
    """Whoever makes a run's fact, and writes it."""

    def write_run(
        self,
        run: "OpenRun",
        latency_ms: float,
        content: Mapping[str, object] | None,
        error: BaseException | None,
    ) -> None:
        """Write the fact of a run that has ended; `content` holds fields of it."""


@dataclass(slots=True)
class OpenRun:
    """A run in flight, that will become a `fact`.

    `context` is what was settled for it; `ambient` and `metadata_context` are what it saw, by which a
    run below tells what is nearer to itself.
    """

    number: int
    """That of its id, by which it is found: to write an id out takes longer than to look one up."""
    run_id: str
    trace_id: str
    fact: type[RunFact]
    recorder: FactWriter
    """Whose fact it will be: the one that heard of it last, which is attached nearest to it."""
    parent_run_id: str | None
    name: str | None
    tags: list[str]
    context: Context
    ambient: Context
    metadata_context: Context
    started_wall_ns: int
    started_ns: int
    content: dict[str, object]
    """Fields of the fact that are known already (inputs, query, …)."""
    root: "OpenRun | None" = None
    """The top-level run above, None where this is one."""
    below: set[int] = field(default_factory=set)
    """Of a top-level run: what is open below it, plumbing too, by the number of its id."""
    streamed: bool = False
    first_token_ns: int | None = None
    task: "Task[object] | None" = None
    when_task_is_done: "Callable[[Task[object]], None] | None" = None


class OpenRuns:
    """Open runs by id, the oldest first; beyond the limit, which is counted and logged, `add` names it.

    Plumbing (sequences, lambdas, parsers) stands here under its own id as the recorded run above it,
    so that what runs below finds its parent.
    """

    def __init__(self, limit: int = OPEN_RUNS_LIMIT) -> None:
        self._limit = limit
        # by the number of their ids: a UUID's own hash is worked out in Python, each time
        self._runs: dict[int, OpenRun] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def get(self, run_id: UUID) -> OpenRun | None:
        """The open run of that id; None where there is none."""
        return self._runs.get(run_id.int)

    def add(self, run_id: UUID, run: OpenRun) -> UUID | None:
        """Remember a run that has begun; of too many, the id of the oldest, which is to be ended."""
        runs = self._runs
        runs[run_id.int] = run
        if run.root is not None:
            run.root.below.add(run_id.int)
        return self._oldest() if len(runs) > self._limit else None

    def snapshot(self) -> list[tuple[UUID, OpenRun]]:
        """All open runs at this moment."""
        # first the keys, in one step that makes no object: the collector, called by one, may end runs
        runs = [(number, self._runs.get(number)) for number in list(self._runs)]
        return [(UUID(int=number), run) for number, run in runs if run is not None]

    def _oldest(self) -> UUID | None:
        failures.report("closing open runs", f"more than {self._limit} open: the oldest is ended")
        try:
            return UUID(int=next(iter(self._runs)))
        except (RuntimeError, StopIteration):
            # another thread came between: it has made room, or will
            return None

    def clear(self) -> None:
        """Forget all."""
        self._runs.clear()

    def pop(self, run_id: UUID) -> OpenRun | None:
        """Forget a run that has ended; None where it is not known."""
        run = self._runs.pop(run_id.int, None)
        if run is not None and run.root is not None:
            run.root.below.discard(run_id.int)
        return run


def shared_open_runs(journal: Path) -> OpenRuns:
    """The open runs of one journal, however many recorders write to it: a run is one fact there."""
    return _shared.setdefault(journal, OpenRuns())


def find_open_run(run_id: UUID) -> OpenRun | None:
    """The open run `run_id` in whichever journal it will be recorded; plumbing as the run above it."""
    return next((run for runs in list(_shared.values()) if (run := runs.get(run_id)) is not None), None)


_shared: weakref.WeakValueDictionary[Path, OpenRuns] = weakref.WeakValueDictionary()
