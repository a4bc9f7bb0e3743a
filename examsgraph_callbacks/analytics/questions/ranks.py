"""Percentiles by nearest rank: the smallest value that so many of a hundred do not exceed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis

__all__ = ["nearest_ranks"]


def nearest_ranks(
    table: "ibis.Table", by: Sequence[str], column: str, percents: Mapping[str, int]
) -> "ibis.Table":
    """A row for each group `by`, with a column a percentile of `column`: `{"p95": 95}` by their names."""
    import ibis

    known = table.filter(table[column].notnull())
    groups = ibis.window(group_by=list(by))
    ranked = known.select(
        *by,
        column,
        rank=ibis.row_number().over(ibis.window(group_by=list(by), order_by=known[column])) + 1,
        size=known.count().over(groups),
    )
    # the nearest rank is the size's percentage, rounded up: in whole numbers, (size * p + 99) // 100
    ranks = {name: (ranked["size"] * percent + 99) // 100 for name, percent in percents.items()}
    return ranked.group_by(list(by)).aggregate(
        **{
            name: ibis.ifelse(ranked["rank"] == rank, ranked[column], ibis.null(ranked[column].type())).max()
            for name, rank in ranks.items()
        }
    )
