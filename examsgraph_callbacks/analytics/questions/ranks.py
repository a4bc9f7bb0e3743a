"""Percentiles by nearest rank: the smallest value that so many of a hundred do not exceed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis

__all__ = ["nearest_ranks"]


def nearest_ranks(
    table: "ibis.Table", by: Sequence[str], column: str, percents: Mapping[str, int]
) -> "ibis.Table":
    """A row for each group `by`, with a column a percentile of `column`: `{"p95": 95}` by their names.

    `by` must not be null. First the values are counted by their whole numbers, then only those of the whole
    number in which the rank falls are put in order: to sort millions of them would take seconds.
    """
    import ibis

    known = table.filter(table[column].notnull()).select(*by, value=column)
    known = known.mutate(whole=known.value.floor().cast("int64"))
    counted = known.group_by([*by, "whole"]).aggregate(here=known.count())
    so_far = ibis.window(group_by=list(by), order_by=counted.whole, preceding=None, following=0)
    counted = counted.mutate(
        until=counted.here.sum().over(so_far), size=counted.here.sum().over(ibis.window(group_by=list(by)))
    )
    wanted = []
    for name, percent in percents.items():
        # the nearest rank is the size's percentage, rounded up
        rank = (counted["size"] * percent + 99) // 100
        falls_here = counted.filter(counted.until >= rank, counted.until - counted.here < rank)
        wanted.append(
            falls_here.select(
                *by, "whole", name=ibis.literal(name), place=rank - (falls_here.until - falls_here.here)
            )
        )
    near = ibis.union(*wanted) if len(wanted) > 1 else wanted[0]
    close = known.inner_join(near, [*by, "whole"])
    order = ibis.window(group_by=[*by, "name"], order_by=close.value)
    close = close.mutate(number=ibis.row_number().over(order) + 1)
    found = close.filter(close.number == close.place)
    nothing = ibis.null(found.value.type())
    return found.group_by(list(by)).aggregate(
        **{name: ibis.ifelse(found.name == name, found.value, nothing).max() for name in percents}
    )
