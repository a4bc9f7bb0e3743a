"""The verdict on an experiment: which variant is better than the control, as far as one may say so today."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from typing import Literal, TypeAlias

from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.experiments.anytime import anytime_interval
from examsgraph_callbacks.experiments.checks import (
    MISMATCH,
    MIXED,
    Share,
    response_rate,
    responses_differ,
    sample_ratio_p_value,
)
from examsgraph_callbacks.experiments.evidence import ArmEvidence, Evidence, gather
from examsgraph_callbacks.experiments.metrics import METRICS, Metric, MetricName
from examsgraph_callbacks.experiments.ratios import Difference, Sums, difference
from examsgraph_callbacks.experiments.sequence import Course, follow_all
from examsgraph_callbacks.experiments.spending import drift_needed, require_extra
from examsgraph_callbacks.measure import Meter

__all__ = [
    "FEWEST_LEARNERS",
    "Arm",
    "Comparison",
    "ExperimentReport",
    "MetricDifference",
    "Verdict",
    "judge",
    "report_experiment",
]

Verdict: TypeAlias = Literal["better", "worse", "no difference larger than", "not enough data", "invalid"]

FEWEST_LEARNERS = 50
"""Of an arm with fewer learners who said something the delta method's variance is no good yet: no look."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A variant as it stands: its planned share, its learners, and what its metrics are now."""

    variant: str
    weight: float
    learners: int
    exposures: int
    response_rate: Share | None
    metrics: dict[MetricName, float | None]


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """Variant less control in a metric that the experiment was not planned for, with what is sure of it.

    `change` is None where the interval, which holds at all times, has 0 in it.
    """

    metric: MetricName
    estimate: float
    low: float
    high: float
    change: Literal["better", "worse"] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against the control, in the primary metric.

    `why` tells what makes it invalid. `low` and `high` hold the true difference at all looks at once;
    `bound` is the largest difference that is left where there is none to be found. `fraction` of the
    planned information is in; `learners_needed` more complete it in all arms, as far as that is known;
    `detectable` is what would be found by now with the planned power.
    """

    variant: str
    verdict: Verdict
    why: str | None
    estimate: float | None
    low: float | None
    high: float | None
    bound: float | None
    decided_on: date | None
    fraction: float
    learners_needed: int | None
    detectable: float | None
    sample_ratio_p_value: float
    others: tuple[MetricDifference, ...]


@dataclass(frozen=True, slots=True)
class ExperimentReport:
    """An experiment at the end of its last whole day (UTC), which is its last look; None before the first."""

    experiment: str
    metric: MetricName
    minimum_effect: float
    significance: float
    power: float
    control: str
    began: datetime
    last_day: date | None
    looks: int
    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]
    sample_ratio_p_value: float
    cautions: tuple[str, ...]


def report_experiment(
    facts: Iterable[Fact], experiment: str, now: datetime, meter: Meter | None = None
) -> ExperimentReport:
    """What `facts` say of the experiment at the beginning of the day of `now` (UTC).

    Raises `InvalidInputError` where it is not among them, and `MissingExtraError` without scipy and
    statsmodels.
    """
    require_extra()
    return judge(gather(facts, experiment, now, meter))


def judge(evidence: Evidence) -> ExperimentReport:
    """The verdict on each variant.

    Several variants share the significance (see `follow_all`).
    """
    plan = evidence.plan
    control, *variants = plan.weights
    metric = METRICS[_metric_name(plan.primary_metric)]
    drift = drift_needed(plan.significance / len(variants), plan.power, plan.planned_looks)
    information = (drift / plan.minimum_effect) ** 2
    looks = {name: _looks(evidence, name, control, metric.name) for name in variants}
    invalid = {name: _why_invalid(evidence, name, control) for name in variants}
    courses = follow_all(
        {name: looks[name] for name in variants if invalid[name] is None},
        information,
        plan.significance,
        planned=len(variants),
    )
    weights = [*plan.weights.values()]
    return ExperimentReport(
        experiment=plan.experiment,
        metric=metric.name,
        minimum_effect=plan.minimum_effect,
        significance=plan.significance,
        power=plan.power,
        control=control,
        began=evidence.began,
        last_day=evidence.days[-1] if evidence.days else None,
        looks=len(evidence.days),
        arms=tuple(_arm(name, plan.weights[name], arm) for name, arm in evidence.arms.items()),
        comparisons=tuple(
            _compared(evidence, name, metric, courses.get(name), invalid[name]) for name in variants
        ),
        sample_ratio_p_value=sample_ratio_p_value(
            [evidence.arms[name].learners for name in plan.weights], weights
        ),
        cautions=tuple(_cautions(evidence)),
    )


def _compared(
    evidence: Evidence, variant: str, metric: Metric, course: Course | None, why: str | None
) -> Comparison:
    plan = evidence.plan
    control = next(iter(plan.weights))
    verdict, bound = _verdict(course, metric, plan.minimum_effect)
    last = None if course is None else course.last
    fraction = 0.0 if last is None else last.fraction
    learners = sum(arm.learners for arm in evidence.arms.values())
    return Comparison(
        variant=variant,
        verdict=verdict,
        why=why,
        estimate=None if last is None else last.estimate,
        low=None if last is None else last.low,
        high=None if last is None else last.high,
        bound=bound,
        decided_on=evidence.days[course.decided.place] if course and course.decided else None,
        fraction=fraction,
        learners_needed=ceil(learners * (1 / fraction - 1)) if fraction else None,
        detectable=plan.minimum_effect / fraction**0.5 if fraction else None,
        sample_ratio_p_value=_pair_p_value(evidence, variant, control),
        others=() if why else tuple(_others(evidence, variant, control, metric.name)),
    )


def _verdict(course: Course | None, metric: Metric, minimum_effect: float) -> tuple[Verdict, float | None]:
    if course is None:
        return "invalid", None
    if course.decided is not None:
        return ("better" if (course.decided.low > 0) is metric.higher_is_better else "worse"), None
    if course.last is None:
        return "not enough data", None
    bound = max(abs(course.last.low), abs(course.last.high))
    if course.is_complete or bound <= minimum_effect:
        return "no difference larger than", bound
    return "not enough data", None


def _looks(evidence: Evidence, variant: str, control: str, metric: MetricName) -> Sequence[Difference | None]:
    return [
        _difference(of_variant, of_control)
        for of_variant, of_control in zip(
            evidence.arms[variant].days[metric], evidence.arms[control].days[metric], strict=True
        )
    ]


def _difference(variant: Sums | None, control: Sums | None) -> Difference | None:
    if variant is None or control is None or min(variant.learners, control.learners) < FEWEST_LEARNERS:
        return None
    # rounding may leave a variance of nothing a little below 0
    if variant.variance <= 0 or control.variance <= 0:
        return None
    return difference(variant, control)


def _others(
    evidence: Evidence, variant: str, control: str, primary: MetricName
) -> Iterable[MetricDifference]:
    significance = evidence.plan.significance / (len(evidence.plan.weights) - 1)
    for name, metric in METRICS.items():
        looks = _looks(evidence, variant, control, name)
        if name == primary or not looks or (found := looks[-1]) is None:
            continue
        sums = evidence.arms[variant].days[name][-1], evidence.arms[control].days[name][-1]
        learners = sum(each.learners for each in sums if each is not None)
        low, high = anytime_interval(found, learners, significance)
        change: Literal["better", "worse"] | None = None
        if low > 0 or high < 0:
            change = "better" if (low > 0) is metric.higher_is_better else "worse"
        yield MetricDifference(name, found.estimate, low, high, change)


def _arm(variant: str, weight: float, arm: ArmEvidence) -> Arm:
    last = {name: days[-1] if days else None for name, days in arm.days.items()}
    return Arm(
        variant=variant,
        weight=weight,
        learners=arm.learners,
        exposures=arm.exposures,
        response_rate=response_rate(arm.answered, arm.exposures),
        metrics={name: None if sums is None else sums.ratio for name, sums in last.items()},
    )


def _why_invalid(evidence: Evidence, variant: str, control: str) -> str | None:
    if evidence.replanned:
        return "the experiment was changed while it ran: begin a new one, under a new name"
    learners = sum(arm.learners for arm in evidence.arms.values())
    if evidence.mixed > MIXED * (learners + evidence.mixed):
        return (
            f"{evidence.mixed:,} of {learners + evidence.mixed:,} learners were given several variants: "
            "look for user ids that are shared or change"
        )
    p_value = _pair_p_value(evidence, variant, control)
    if p_value < MISMATCH:
        weights = evidence.plan.weights
        planned = weights[variant] / (weights[variant] + weights[control])
        counts = evidence.arms[variant].learners, evidence.arms[control].learners
        return (
            f"{counts[0]:,} learners against {counts[1]:,} where {planned:.1%} were planned "
            f"(p {p_value:.2g}): "
            "some were lost, so look for what the arms do differently besides the prompt"
        )
    return None


def _pair_p_value(evidence: Evidence, variant: str, control: str) -> float:
    names = (variant, control)
    return sample_ratio_p_value(
        [evidence.arms[name].learners for name in names], [evidence.plan.weights[name] for name in names]
    )


def _cautions(evidence: Evidence) -> Iterable[str]:
    arms = [*evidence.arms.values()]
    if responses_differ([arm.answered for arm in arms], [arm.exposures for arm in arms]):
        yield (
            "The arms' learners react more or less often than each other: what is compared are those "
            "who react."
        )
    if evidence.unpriced:
        yield f"Calls without a price, which are not in the cost: {evidence.unpriced:,}."
    if evidence.mixed:
        yield f"Learners who were given several variants, and are left out: {evidence.mixed:,}."


def _metric_name(name: str) -> MetricName:
    return next(metric.name for metric in METRICS.values() if metric.name == name)
