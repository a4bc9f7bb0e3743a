"""How the graph was walked: lengths and depths, and which relations lead astray."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["path_quality", "relation_quality"]


def path_quality(tables: Tables, inefficient_depth: int) -> "ibis.Table":
    """One row over the explorations that ended well."""
    walked = tables.explorations.filter(tables.explorations.status != "error")
    ends = tables.dead_ends.aggregate(dead_ends=tables.dead_ends.count())
    figures = walked.aggregate(
        explorations=walked.count(),
        average_path_length=walked.path_length.mean(),
        average_depth=walked.exploration_depth.mean(),
        deep=(walked.exploration_depth >= inefficient_depth).cast("int64").sum(),
        began=walked.started_at.min(),
        ended=walked.started_at.max(),
    )
    return figures.cross_join(ends)


def relation_quality(tables: Tables) -> "ibis.Table":
    """A row a relation type: its followed `hops` that could be judged, and how many were `anomalous`."""
    judged = tables.hops.filter(tables.hops.anomalous.notnull())
    counted = judged.group_by("relation").aggregate(
        hops=judged.count(), anomalous=judged.anomalous.cast("int64").sum()
    )
    return counted.order_by([counted.anomalous.desc(), counted.hops.asc(), counted.relation.asc()])
