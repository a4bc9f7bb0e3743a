"""The order of writing: what several sources hold, each in its own order, becomes one sequence."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal.lake import FACTS, Commit, Lake, Span
from examsgraph_callbacks.journal.reader import Problem, read_line, read_segment

__all__ = ["Source", "Written", "in_order", "of_commit", "of_segment", "rows_of_commit"]


class Written(NamedTuple):
    """A fact, and where it stands in order: when it was written, and in which segment."""

    at: datetime
    segment: str
    fact: Fact


class Source(NamedTuple):
    """Facts in the order of writing, none of which stands before `first`; opened when it is their turn."""

    first: tuple[datetime, str]
    open: Callable[[], Iterator[Written]]


def in_order(sources: Iterable[Source]) -> Iterator[Fact]:
    """The facts of all sources; only those that overlap in time are open at once."""
    waiting = [(*source.first, number, source) for number, source in enumerate(sources)]
    heapq.heapify(waiting)
    running: list[tuple[datetime, str, int, Fact, Iterator[Written]]] = []
    while waiting or running:
        if waiting and (not running or waiting[0][:3] <= running[0][:3]):
            _, _, number, source = heapq.heappop(waiting)
            facts = source.open()
        else:
            _, _, number, fact, facts = running[0]
            yield fact
            heapq.heappop(running)
        following = next(facts, None)
        if following is not None:
            heapq.heappush(running, (following.at, following.segment, number, following.fact, facts))


def of_segment(segment: Path, span: Span | None, on_problem: Callable[[Problem], None]) -> Source | None:
    """What a segment holds beyond `span`; None where that is nothing, which `on_problem` is told then."""
    problems: list[Problem] = []
    first = next(_written(segment, span, problems.append), None)
    if first is not None:
        return Source((first.at, first.segment), lambda: _written(segment, span, on_problem))
    # it will not be opened again, where a first look tells nothing yet
    for problem in problems:
        on_problem(problem)
    return None


def of_commit(lake: Lake, commit: Commit, on_problem: Callable[[Problem], None]) -> Source | None:
    """What a commit added to the lake; None where that is nothing."""
    for row in rows_of_commit(lake, commit, ["written_at", "segment", "position"]):
        first = row["written_at"], row["segment"]
        return Source(first, lambda: _compacted(lake, commit, on_problem))
    return None


def _written(segment: Path, span: Span | None, on_problem: Callable[[Problem], None]) -> Iterator[Written]:
    begin, latest = (span.end, span.written_at) if span else (0, None)
    with suppress(FileNotFoundError):
        for _, fact in read_segment(segment, begin, on_problem=on_problem):
            # within a segment the order of writing holds, even where the clock was set back
            latest = fact.ended_at if latest is None else max(latest, fact.ended_at)
            yield Written(latest, segment.name, fact)


def _compacted(lake: Lake, commit: Commit, on_problem: Callable[[Problem], None]) -> Iterator[Written]:
    for row in rows_of_commit(lake, commit, ["written_at", "segment", "position", "line"]):
        fact = read_line(row["line"])
        if isinstance(fact, str):
            on_problem(Problem(Path(row["segment"]), row["position"], fact, row["line"]))
        else:
            yield Written(row["written_at"], row["segment"], fact)


def rows_of_commit(lake: Lake, commit: Commit, columns: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of a commit's facts, also where somebody is forgotten meanwhile.

    `columns` are to have `written_at`, `segment` and `position`, by which rows stand in order.
    """
    last: tuple[datetime, str, int] | None = None
    current: Commit | None = commit
    while current is not None:
        try:
            for file in current.files.get(FACTS, ()):
                for batch in lake.batches(file, columns):
                    for row in batch.to_pylist():
                        place = row["written_at"], row["segment"], row["position"]
                        if last is None or place > last:
                            last = place
                            yield row
        except FileNotFoundError:
            # the rest stands in what has replaced it
            current = lake.following(current)
            if current is None:
                raise
        else:
            return
