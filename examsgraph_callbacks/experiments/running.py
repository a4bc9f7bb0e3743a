"""Which experiments a journal holds, who was given what, and whether they still run."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from examsgraph_callbacks.events import Exposure, Fact, PromptExperimentPlan
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.picking import FactsOfKinds

__all__ = ["RUNS_FOR", "ExperimentSoFar", "ExperimentsSoFar", "VariantSoFar"]

RUNS_FOR = timedelta(days=7)
"""An experiment whose last prompt was handed out longer ago is over, or forgotten."""


@dataclass(frozen=True, slots=True)
class VariantSoFar:
    """A variant, its share of the learners as planned (0 to 1), and what was handed out of it."""

    variant: str
    weight: float
    learners: int
    exposures: int


@dataclass(frozen=True, slots=True)
class ExperimentSoFar:
    """An experiment as it was planned, the control first; times are UTC, None before the first exposure.

    `day` counts the days since the first exposure, that one included, of the `planned_days`.
    """

    experiment: str
    metric: str
    minimum_effect: float
    planned_days: int
    began: datetime | None
    last_exposure: datetime | None
    day: int
    running: bool
    variants: tuple[VariantSoFar, ...]


@dataclass(slots=True)
class _Seen:
    plan: PromptExperimentPlan | None = None
    began: datetime | None = None
    last: datetime | None = None
    learners: dict[str, set[str]] = field(default_factory=dict)
    exposures: dict[str, int] = field(default_factory=dict)


class ExperimentsSoFar:
    """The experiments of `journal`; each look reads only what came since the last one."""

    def __init__(self, journal: Journal, lake: str | None = None) -> None:
        self._facts = FactsOfKinds(journal, ("prompt_experiment", "exposure"), lake)
        self._seen: dict[str, _Seen] = {}

    def look(self, now: datetime) -> tuple[ExperimentSoFar, ...]:
        """The experiments that have a plan on record: those that run first, then the latest first."""
        new = self._facts.new()
        if self._facts.restarted:
            self._seen = {}
        self._take(new)
        found = [_so_far(name, seen, seen.plan, now) for name, seen in self._seen.items() if seen.plan]
        found.sort(key=lambda each: each.experiment)
        found.sort(key=lambda each: (each.running, each.last_exposure or each.began or now), reverse=True)
        return tuple(found)

    def _take(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, PromptExperimentPlan):
                seen = self._seen.setdefault(fact.experiment, _Seen())
                # the first plan of a name is the one that holds
                if seen.plan is None or fact.started_at < seen.plan.started_at:
                    seen.plan = fact
            elif isinstance(fact, Exposure):
                seen = self._seen.setdefault(fact.experiment, _Seen())
                variant, at = fact.prompt_variant or "", fact.started_at
                seen.began = at if seen.began is None else min(seen.began, at)
                seen.last = at if seen.last is None else max(seen.last, at)
                seen.exposures[variant] = seen.exposures.get(variant, 0) + 1
                if fact.user_id is not None:
                    seen.learners.setdefault(variant, set()).add(fact.user_id)


def _so_far(name: str, seen: _Seen, plan: PromptExperimentPlan, now: datetime) -> ExperimentSoFar:
    return ExperimentSoFar(
        experiment=name,
        metric=plan.primary_metric,
        minimum_effect=plan.minimum_effect,
        planned_days=plan.planned_looks,
        began=seen.began,
        last_exposure=seen.last,
        day=0 if seen.began is None else max(1, (now.date() - seen.began.date()).days + 1),
        running=now - (seen.last or plan.started_at) < RUNS_FOR,
        variants=tuple(
            VariantSoFar(variant, weight, len(seen.learners.get(variant, ())), seen.exposures.get(variant, 0))
            for variant, weight in plan.weights.items()
        ),
    )
