"""Simulated experiments: learners who come back, alike in what they say from day to day, looked at daily."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examsgraph_callbacks.experiments.ratios import Difference, Sums, difference
from examsgraph_callbacks.experiments.sequence import follow, follow_all
from examsgraph_callbacks.experiments.spending import drift_needed

__all__ = ["DAYS", "EFFECT", "POWER", "Outcomes", "simulated", "simulated_three"]

DAYS = 28
EFFECT = 0.08
POWER = 0.8
SIGNIFICANCE = 0.05

_SATISFIED = 0.6
_ALIKE = 0.3  # the correlation of two thumbs of one learner
_LEARNERS = 800  # an arm
_THUMBS = 0.35  # a learner and day, on average; learners differ as a gamma of shape 1 does
_TOGETHER = 50  # experiments in memory at a time

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many of `experiments` said that the variant is better, or worse; and what a naive test said."""

    experiments: int
    better: int
    worse: int
    complete: int
    naive_daily: int
    naive_once: int
    learners_daily: int
    days_to_decide: float

    @property
    def decided(self) -> int:
        """How many found a difference."""
        return self.better + self.worse


def simulated(experiments: int, lift: float, seed: int) -> Outcomes:
    """Run so many experiments, in which the variant's satisfaction is `lift` above the control's."""
    dice = np.random.default_rng(seed)
    information = (drift_needed(SIGNIFICANCE, POWER, DAYS) / EFFECT) ** 2
    better = worse = complete = naive_daily = naive_once = learners_daily = 0
    days: list[int] = []
    for count in _portions(experiments):
        control, variant = _thumbs(dice, count, _SATISFIED), _thumbs(dice, count, _SATISFIED + lift)
        apart = np.abs(_naive_z(variant, control)) > 1.96
        naive_daily += int(apart.any(axis=1).sum())
        naive_once += int(apart[:, -1].sum())
        with np.errstate(divide="ignore", invalid="ignore"):  # before anybody has said anything
            seen = difference(_sums(*variant), _sums(*control))
            z = np.abs(np.asarray(seen.estimate) / np.asarray(seen.standard_error))
        learners_daily += int((z > 1.96).any(axis=1).sum())
        for number in range(count):
            looks = _looks(seen, number)
            course = follow(looks, information, SIGNIFICANCE)
            complete += course.is_complete
            if course.decided is not None:
                better += course.decided.low > 0
                worse += course.decided.high < 0
                days.append(course.decided.place + 1)
    return Outcomes(
        experiments,
        better,
        worse,
        complete,
        naive_daily,
        naive_once,
        learners_daily,
        float(np.mean(days)) if days else float("nan"),
    )


def simulated_three(experiments: int, seed: int) -> int:
    """How many of experiments with three variants, all alike, find a difference of any from the first."""
    dice = np.random.default_rng(seed)
    information = (drift_needed(SIGNIFICANCE / 2, POWER, DAYS) / EFFECT) ** 2
    found = 0
    for count in _portions(experiments):
        control, *variants = (_sums(*_thumbs(dice, count, _SATISFIED)) for _ in range(3))
        with np.errstate(divide="ignore", invalid="ignore"):  # before anybody has said anything
            seen = [difference(variant, control) for variant in variants]
        for number in range(count):
            looks = {str(place): _looks(each, number) for place, each in enumerate(seen)}
            courses = follow_all(looks, information, SIGNIFICANCE, planned=2)
            found += any(course.decided is not None for course in courses.values())
    return found


def _looks(seen: Difference, number: int) -> list[Difference]:
    """The looks of one experiment among many."""
    estimates, errors = np.asarray(seen.estimate)[number], np.asarray(seen.standard_error)[number]
    return [
        Difference(float(estimate), float(error)) for estimate, error in zip(estimates, errors, strict=True)
    ]


def _portions(experiments: int) -> Iterator[int]:
    for begin in range(0, experiments, _TOGETHER):
        yield min(_TOGETHER, experiments - begin)


def _thumbs(dice: np.random.Generator, experiments: int, satisfied: float) -> tuple[Counts, Counts]:
    """Thumbs up, and thumbs in all, by experiment, day and learner, each added up to the end of the day."""
    size = (experiments, 1, _LEARNERS)
    concentration = 1 / _ALIKE - 1
    likes = dice.beta(satisfied * concentration, (1 - satisfied) * concentration, size)
    activity = dice.gamma(1.0, _THUMBS, size)
    enrolled = dice.integers(0, DAYS, size) <= np.arange(DAYS)[None, :, None]
    thumbs = dice.poisson(activity * enrolled)
    up = dice.binomial(thumbs, np.broadcast_to(likes, thumbs.shape))
    return np.cumsum(up, axis=1).astype(float), np.cumsum(thumbs, axis=1).astype(float)


def _sums(up: Counts, thumbs: Counts) -> Sums:
    """Of all learners; one without a thumb adds nothing."""
    return Sums(
        learners=(thumbs > 0).sum(axis=2),
        y=up.sum(axis=2),
        m=thumbs.sum(axis=2),
        yy=(up * up).sum(axis=2),
        ym=(up * thumbs).sum(axis=2),
        mm=(thumbs * thumbs).sum(axis=2),
    )


def _naive_z(variant: tuple[Counts, Counts], control: tuple[Counts, Counts]) -> Counts:
    """The z-test of two proportions over messages."""
    (up, thumbs), (other_up, other_thumbs) = (
        (arm[0].sum(axis=2), arm[1].sum(axis=2)) for arm in (variant, control)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (up + other_up) / (thumbs + other_thumbs)
        error = np.sqrt(pooled * (1 - pooled) * (1 / thumbs + 1 / other_thumbs))
        z: Counts = (up / thumbs - other_up / other_thumbs) / error
    return z
