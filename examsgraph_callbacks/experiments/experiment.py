"""An experiment: the prompts that compete, who is given which of them, and what it will be judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal, TypeAlias

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.experiments.hashing import (
    Range,
    bucket,
    bucket_ranges,
    choose,
    namespace_bucket,
)
from examsgraph_callbacks.experiments.metrics import METRICS, MetricName

__all__ = ["Assignment", "Holdout", "Namespace", "PromptExperiment", "RampStep", "Reason"]

Reason: TypeAlias = Literal["in_experiment", "holdout", "namespace", "coverage"]
"""Why a learner is in the experiment or kept out of it."""

_MOST_VARIANTS = 20
_TOLERANCE = 0.01  # as GrowthBook allows for the sum of the weights


@dataclass(frozen=True, slots=True)
class Namespace:
    """A part of all learners, from `begin` (included) to `end` (excluded), both from 0 to 1.

    Experiments with parts of one namespace that do not overlap share no learner.
    """

    name: str
    begin: float
    end: float

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end <= 1:
            raise InvalidInputError(
                f"expected a namespace's begin and end with 0 <= begin < end <= 1, got {self.begin} and "
                f"{self.end}",
            )


@dataclass(frozen=True, slots=True)
class Holdout:
    """A share of all learners, from 0 to 1, whom no experiment with this holdout touches."""

    name: str
    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise InvalidInputError(f"expected a holdout's share from 0 to below 1, got {self.share}")


@dataclass(frozen=True, slots=True)
class RampStep:
    """From this time on (UTC) that much of the learners is in the experiment."""

    since: datetime
    coverage: float


@dataclass(frozen=True, slots=True)
class Assignment:
    """The variant that a learner is given; the control's outside the experiment, with the `reason`."""

    variant: str
    in_experiment: bool
    reason: Reason


@dataclass(frozen=True)
class PromptExperiment:
    """Prompts by the names of their variants, the control first, and how they are handed out and judged.

    `weights` are the variants' shares of the learners in the experiment (equal by default), `coverage`
    the share of all learners that is in it, which `ramp_up` sets by time instead; it may only grow. The
    seed of the hash is the experiment's name unless `seed` says another.

    It is judged by `primary_metric`: it finds a difference of `minimum_effect` (in the metric's unit)
    with the probability `power`, and one where none is with `significance` at most, looked at daily for
    about `planned_looks` days. Raises `InvalidInputError` where something of this cannot be.
    """

    name: str
    variants: Mapping[str, str]
    weights: Mapping[str, float] | None = None
    primary_metric: MetricName = "satisfaction"
    minimum_effect: float | None = None
    significance: float = 0.05
    power: float = 0.8
    planned_looks: int = 28
    coverage: float = 1.0
    ramp_up: tuple[RampStep, ...] = ()
    namespace: Namespace | None = None
    holdout: Holdout | None = None
    seed: str | None = None
    _ranges: dict[float, tuple[Range, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        self._check_variants()
        if self.primary_metric not in METRICS:
            raise InvalidInputError(
                f"expected primary_metric to be one of {', '.join(METRICS)}, got {self.primary_metric!r}",
            )
        if self.minimum_effect is not None and not self.minimum_effect > 0:
            raise InvalidInputError(f"expected minimum_effect above 0, got {self.minimum_effect}")
        for name, share, least, most in (
            ("significance", self.significance, 0.001, 0.2),
            ("power", self.power, 0.5, 0.99),
        ):
            if not least <= share <= most:
                raise InvalidInputError(f"expected {name} from {least} to {most}, got {share}")
        if not 1 <= self.planned_looks <= 366:
            raise InvalidInputError(f"expected planned_looks from 1 to 366 days, got {self.planned_looks}")
        coverages = [self.coverage, *(step.coverage for step in self.ramp_up)]
        if not all(0 <= coverage <= 1 for coverage in coverages):
            raise InvalidInputError(f"expected coverage from 0 to 1, got {coverages}")
        grown = sorted(self.ramp_up, key=lambda step: (step.since, step.coverage))
        if list(self.ramp_up) != grown or coverages[1:] != sorted(coverages[1:]):
            raise InvalidInputError(
                "expected ramp_up in the order of time with a coverage that only grows: whoever is in an "
                f"experiment stays in it, got {[step.coverage for step in self.ramp_up]}",
            )
        if any(step.since.tzinfo is None for step in self.ramp_up):
            raise InvalidInputError("expected the times of ramp_up with their zone, such as UTC")

    @property
    def control(self) -> str:
        """The variant that the others are compared with, which everybody outside is given."""
        return next(iter(self.variants))

    @cached_property
    def shares(self) -> dict[str, float]:
        """Each variant's share of the learners in the experiment."""
        equal = 1 / len(self.variants)
        return {name: equal if self.weights is None else self.weights[name] for name in self.variants}

    @property
    def effect(self) -> float:
        """The smallest difference that matters, in the primary metric's unit."""
        return self.minimum_effect or METRICS[self.primary_metric].minimum_effect

    def assign(self, user_id: str, now: datetime | None = None) -> Assignment:
        """The learner's variant: the same in every process, on every machine, at any time.

        `now` matters only while the experiment ramps up. Takes a few microseconds, and writes nothing.
        """
        if self.holdout is not None and bucket(self.holdout.name, user_id) < self.holdout.share:
            return Assignment(self.control, in_experiment=False, reason="holdout")
        part = self.namespace
        if part is not None and not part.begin <= namespace_bucket(part.name, user_id) < part.end:
            return Assignment(self.control, in_experiment=False, reason="namespace")
        ranges = self._ranges_of(self._coverage(now))
        number = choose(bucket(self.seed or self.name, user_id), ranges)
        if number is None:
            return Assignment(self.control, in_experiment=False, reason="coverage")
        return Assignment([*self.variants][number], in_experiment=True, reason="in_experiment")

    def _coverage(self, now: datetime | None) -> float:
        if not self.ramp_up:
            return self.coverage
        now = now or datetime.now(UTC)
        return max((step.coverage for step in self.ramp_up if step.since <= now), default=0.0)

    def _ranges_of(self, coverage: float) -> tuple[Range, ...]:
        if coverage not in self._ranges:
            self._ranges[coverage] = bucket_ranges([*self.shares.values()], coverage)
        return self._ranges[coverage]

    def _check_variants(self) -> None:
        for what, name in (("the experiment", self.name), *(("a variant", name) for name in self.variants)):
            if not isinstance(name, str) or not name.strip():
                raise InvalidInputError(f"expected a name for {what}, got {name!r}")
        if not 2 <= len(self.variants) <= _MOST_VARIANTS:
            raise InvalidInputError(
                f"expected 2 to {_MOST_VARIANTS} variants to compare, got {len(self.variants)}: "
                f"{[*self.variants]}",
            )
        if self.weights is None:
            return
        if set(self.weights) != set(self.variants):
            raise InvalidInputError(
                f"expected a weight for each of {[*self.variants]}, got weights for {[*self.weights]}",
            )
        if min(self.weights.values()) <= 0 or abs(sum(self.weights.values()) - 1) > _TOLERANCE:
            raise InvalidInputError(
                f"expected weights above 0 that add up to 1, got {dict(self.weights)}, which add up to "
                f"{sum(self.weights.values()):g}",
            )
