"""Follows a comparison from look to look, and says whether it is decided, and how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from examsgraph_callbacks.experiments.ratios import Difference
from examsgraph_callbacks.experiments.spending import SMALLEST_STEP, Boundary

__all__ = ["Course", "Taken", "follow", "follow_all"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A look that counted: its place among the looks, and what was seen.

    `low` and `high` are a repeated confidence interval: of all the looks' intervals every one holds the
    true difference, with the confidence 1 - significance (Jennison and Turnbull, J. R. Stat. Soc. B 51
    (1989), 305-361).
    """

    place: int
    fraction: float
    estimate: float
    low: float
    high: float

    @property
    def is_decided(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Course:
    """The looks that counted; `decided` is the first that found a difference, None where none has."""

    taken: tuple[Taken, ...]
    decided: Taken | None

    @property
    def last(self) -> Taken | None:
        """The last look that counted."""
        return self.taken[-1] if self.taken else None

    @property
    def is_complete(self) -> bool:
        """Whether all the planned information is in."""
        return bool(self.taken) and self.taken[-1].fraction >= 1


def follow(looks: Sequence[Difference | None], information: float, significance: float) -> Course:
    """The course of the looks up to the planned `information` (one over a variance); after it no more count.

    A look that is None, or adds less than `SMALLEST_STEP` of the information, is passed over.
    """
    boundary = Boundary(significance)
    taken: list[Taken] = []
    decided: Taken | None = None
    before = 0.0
    for place, look in enumerate(looks):
        if before >= 1:
            break
        if look is None or not look.standard_error > 0:
            continue
        fraction = look.information / information
        # what is missing by less than a step is in
        fraction = 1.0 if fraction > 1 - SMALLEST_STEP else fraction
        if fraction - before < SMALLEST_STEP:
            continue
        critical = boundary.next(fraction)
        half = critical * look.standard_error
        seen = Taken(place, fraction, look.estimate, look.estimate - half, look.estimate + half)
        taken.append(seen)
        if decided is None and seen.is_decided:
            decided = seen
        before = fraction
    return Course(tuple(taken), decided)


def follow_all(
    looks: Mapping[str, Sequence[Difference | None]],
    information: float,
    significance: float,
    *,
    planned: int,
) -> dict[str, Course]:
    """The courses of several comparisons, of which `planned` share the significance.

    Holm's step-down levels, over looks as in Ye, Li, Liu and Yao, Stat. Med. 32 (2013), 1112-1124: whenever
    one is decided, those that are left share among fewer.
    """
    courses: dict[str, Course] = {}
    left = [*looks]
    share = planned
    while left:
        for name in left:
            courses[name] = follow(looks[name], information, significance / share)
        decided = [name for name in left if courses[name].decided is not None]
        if not decided:
            break
        left = [name for name in left if name not in decided]
        share -= len(decided)
    return courses
