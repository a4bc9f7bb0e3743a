"""How deep the graph was walked, and which paths took a strange hop."""

from dataclasses import dataclass

from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.measure import MeasuredPath, measure_path

__all__ = ["INEFFICIENT_DEPTH", "ExplorationReport", "ExplorationTally", "StrayPath"]

INEFFICIENT_DEPTH = 5
"""Hops: an average depth of so many or more is inefficient (the product's document, exploration view)."""


@dataclass(frozen=True, slots=True)
class StrayPath:
    """A path with anomalous hops, and the learners for whom it was walked, `times` in all."""

    question_id: str | None
    wrong_concept: str | None
    query: str | None
    measured: MeasuredPath
    times: int
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplorationReport:
    """Explorations that ended well; `average_depth` (hops) is None where there were none.

    `strays` holds each different path once, the most walked first; `unjudged` counts the explorations
    that had no threshold to judge their paths by.
    """

    count: int
    average_depth: float | None
    unjudged: int
    strays: tuple[StrayPath, ...]

    @property
    def is_inefficient(self) -> bool:
        """Whether the average depth reaches `INEFFICIENT_DEPTH`."""
        return self.average_depth is not None and self.average_depth >= INEFFICIENT_DEPTH


class ExplorationTally:
    """Takes explorations one by one."""

    def __init__(self) -> None:
        self._count = 0
        self._depths = 0
        self._unjudged = 0
        self._strays: dict[tuple[object, ...], tuple[Exploration, MeasuredPath, list[str | None]]] = {}

    def add(self, exploration: Exploration) -> None:
        """Count one more exploration, unless it failed half-way."""
        if exploration.status == "error":
            return
        measured = measure_path(exploration)
        self._count += 1
        self._depths += measured.exploration_depth
        self._unjudged += measured.anomalous_hops is None
        if measured.anomalous_hops:
            key = (exploration.question_id, exploration.query, measured.similarity_threshold, measured.path)
            _, _, walkers = self._strays.setdefault(key, (exploration, measured, []))
            walkers.append(exploration.user_id)

    def report(self) -> ExplorationReport:
        """What the explorations so far amount to."""
        strays = [
            StrayPath(
                question_id=exploration.question_id,
                wrong_concept=exploration.wrong_concept,
                query=exploration.query,
                measured=measured,
                times=len(walkers),
                user_ids=tuple(sorted({user_id for user_id in walkers if user_id is not None})),
            )
            for exploration, measured, walkers in self._strays.values()
        ]
        return ExplorationReport(
            count=self._count,
            average_depth=self._depths / self._count if self._count else None,
            unjudged=self._unjudged,
            strays=tuple(sorted(strays, key=lambda stray: (-stray.times, stray.question_id or ""))),
        )
