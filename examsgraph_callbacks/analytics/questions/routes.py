"""Where tasks went: each route's calls, cost, misroutes and times, and what learners thought of it."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics.questions.ranks import in_order, percentile, whole
from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["qualities", "reactions", "routes"]

_ROUTE = ["task_type", "requested_model", "served_model"]
_BETWEEN = "\x1f"
_NOTHING = ""
"""Stands for null in a route while tables are joined by it: null equals nothing, not even null."""


def routes(tables: Tables) -> "ibis.Table":
    """A row a route: its figures, its latencies, and the reactions to the turns that took it."""
    import ibis

    calls = _llm_calls(tables, "status", "latency_ms", "cost_usd", "misrouted", "allowed_cost_usd")
    taken = ibis.ifelse(calls.status == "ok", calls.latency_ms, None)
    counted = calls.group_by([*_ROUTE, whole(taken).name("whole")]).aggregate(
        calls=calls.count(),
        cost_usd=calls.cost_usd.sum(),
        unpriced_calls=calls.cost_usd.isnull().cast("int64").sum(),
        misroutes=calls.misrouted.cast("int64").sum(),
        misroute_extra_usd=ibis.ifelse(calls.misrouted, calls.cost_usd - calls.allowed_cost_usd, None).sum(),
        here=taken.count(),
        greatest=taken.max(),
    )
    ordered = in_order(counted, _ROUTE)
    sums = ("calls", "cost_usd", "unpriced_calls", "misroutes", "misroute_extra_usd")
    figures = ordered.group_by(_ROUTE).aggregate(
        **{name: ordered[name].sum() for name in sums},
        latency_p50_ms=percentile(ordered, 50),
        latency_p95_ms=percentile(ordered, 95),
    )
    received = reactions(_llm_calls(tables, "trace_id"), figures, _ROUTE, tables)
    return _with_nulls(figures.left_join(received, _ROUTE).drop([f"{name}_right" for name in _ROUTE]))


def qualities(tables: Tables) -> "ibis.Table":
    """A row a route and word: how many callers said it of the answers."""
    calls = _llm_calls(tables, "response_quality")
    told = calls.filter(calls.response_quality.notnull())
    return _with_nulls(told.group_by([*_ROUTE, "response_quality"]).aggregate(calls=told.count()))


def _llm_calls(tables: Tables, *columns: str) -> "ibis.Table":
    """Of the calls of models that answer, some columns, and the route."""
    calls = tables.calls
    route = {name: calls[name].fill_null(_NOTHING) for name in _ROUTE}
    return calls.filter(calls.kind == "llm_call").select(*columns, **route)


def _with_nulls(table: "ibis.Table") -> "ibis.Table":
    return table.mutate(**{name: table[name].nullif(_NOTHING) for name in _ROUTE})


def reactions(
    calls: "ibis.Table",
    groups: "ibis.Table",
    by: list[str],
    tables: Tables,
    *,
    few: "ibis.Table | None" = None,
) -> "ibis.Table":
    """What was said of the turns with such calls, `by` what tells them apart; a turn counts once for each.

    `groups` has a row each. Numbers stand for turns and groups: the names of a year's turns would not fit
    in memory. `few` has the `trace_id` of the turns that such calls are of, where these may be few: what was
    said of others is left out first.
    """
    import ibis

    said = _with_turns(tables)
    if few is not None:
        said = said.semi_join(few, "trace_id")
    satisfied = ibis.cases((said.feedback_type == "thumbs_up", 1), (said.feedback_type == "thumbs_down", 0))
    by_turn = said.group_by("trace_id").aggregate(
        score_sum=said.understanding_score.sum().cast("int32"),
        scores=said.understanding_score.count().cast("int32"),
        satisfied=satisfied.sum().cast("int32"),
        judged=satisfied.count().cast("int32"),
    )
    figures = ("score_sum", "scores", "satisfied", "judged")
    by_turn = by_turn.mutate(turn=ibis.row_number())
    named = groups.select(*by, group=_together(groups, by))
    # they are few: looked up in a list, as an engine that takes them for many would not join them well
    listed = named.aggregate(groups=named.group.collect()).groups.sort().as_scalar()
    taken = calls.inner_join(by_turn, "trace_id")
    taken = taken.select("turn", *figures, number=listed.index(_together(taken, by)))
    # alike in all calls of a turn
    once = taken.group_by(["turn", "number"]).aggregate(**{name: taken[name].max() for name in figures})
    totals = once.group_by("number").aggregate(**{name: once[name].sum() for name in figures})
    return named.select(*by, number=listed.index(named.group)).inner_join(totals, "number").drop("number")


def _together(table: "ibis.Table", by: list[str]) -> "ibis.expr.types.StringValue":
    import ibis

    return ibis.literal(_BETWEEN).join([table[name] for name in by])


def _with_turns(tables: Tables) -> "ibis.Table":
    """Feedback with the `trace_id` of its turn: its own, else that of the latest turn on its question in its
    session before it.
    """  # noqa: D205
    import ibis

    question = ["session_id", "question_id"]
    columns = ["trace_id", "feedback_type", "understanding_score"]
    named = tables.feedback.filter(tables.feedback.trace_id.notnull())
    unnamed = tables.feedback.filter(
        tables.feedback.trace_id.isnull(), *(tables.feedback[name].notnull() for name in question)
    ).select(*question, *columns[1:], "started_at")
    turns = tables.turns.semi_join(unnamed.select(*question), question)
    order = ibis.window(group_by=question, order_by=[turns.started_at, turns.trace_id])
    turns = turns.select(
        "trace_id",
        *question,
        since=turns.started_at,
        until=turns.started_at.lead().over(order).fill_null(ibis.timestamp("9999-01-01")),
    )
    found = unnamed.inner_join(
        turns,
        [
            unnamed.session_id == turns.session_id,
            unnamed.question_id == turns.question_id,
            unnamed.started_at >= turns.since,
            unnamed.started_at < turns.until,
        ],
    )
    return named.select(columns).union(found.select(columns))
