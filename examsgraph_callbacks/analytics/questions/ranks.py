"""Percentiles by nearest rank, to the millisecond, from values that are counted by their whole numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis

__all__ = ["in_order", "percentile", "whole"]


def whole(milliseconds: "ibis.expr.types.NumericValue") -> "ibis.expr.types.IntegerValue":
    """What values are counted by: there are only so many whole milliseconds, however many calls there are."""
    return milliseconds.floor().cast("int64")


def in_order(counted: "ibis.Table", by: Sequence[str]) -> "ibis.Table":
    """The same with what `percentile` needs, within each group `by`.

    `counted` has a row a group and `whole` number (null: nothing to rank) with how many values are `here`.
    """
    import ibis

    everything = counted.here.sum().over(ibis.window(group_by=list(by)))
    so_far = ibis.window(group_by=list(by), order_by=counted.whole, preceding=None, following=0)
    return counted.mutate(until=counted.here.sum().over(so_far), of=everything)


def percentile(ordered: "ibis.Table", percent: int) -> "ibis.expr.types.NumericScalar":
    """An aggregate over each group of `in_order`, whose `greatest` is the largest value that is `here`.

    It is the largest value of the whole millisecond in which the nearest rank falls: one that occurred, not
    below the nearest rank, and less than 1 ms above it. To have that exactly, every value had to be kept
    and sorted, and a year's calls do not fit in memory.
    """
    import ibis

    # the nearest rank is the size's percentage, rounded up
    rank = (ordered["of"] * percent + 99) // 100
    falls_here = (ordered.until >= rank) & (ordered.until - ordered.here < rank)
    return ibis.ifelse(falls_here, ordered.greatest, None).max()
