"""Where tasks went: each route's calls, cost, misroutes and times, and what learners thought of it."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics.questions.ranks import nearest_ranks
from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["qualities", "reactions", "routes"]

_ROUTE = ["task_type", "requested_model", "served_model"]
_NOTHING = ""
"""Stands for null in a route while tables are joined by it: null equals nothing, not even null."""


def routes(tables: Tables) -> "ibis.Table":
    """A row a route: its figures, its latencies, and the reactions to the turns that took it."""
    import ibis

    calls = _llm_calls(tables)
    extra = ibis.ifelse(calls.misrouted, calls.cost_usd - calls.allowed_cost_usd, None)
    figures = calls.group_by(_ROUTE).aggregate(
        calls=calls.count(),
        cost_usd=calls.cost_usd.sum(),
        unpriced_calls=calls.cost_usd.isnull().cast("int64").sum(),
        misroutes=calls.misrouted.cast("int64").sum(),
        misroute_extra_usd=extra.sum(),
    )
    answered = calls.filter(calls.status == "ok")
    times = nearest_ranks(answered, _ROUTE, "latency_ms", {"latency_p50_ms": 50, "latency_p95_ms": 95})
    joined = figures.left_join(times, _ROUTE).drop([f"{name}_right" for name in _ROUTE])
    joined = joined.left_join(reactions(calls, _ROUTE, tables), _ROUTE).drop(
        [f"{name}_right" for name in _ROUTE]
    )
    return _with_nulls(joined)


def qualities(tables: Tables) -> "ibis.Table":
    """A row a route and word: how many callers said it of the answers."""
    calls = _llm_calls(tables)
    told = calls.filter(calls.response_quality.notnull())
    return _with_nulls(told.group_by([*_ROUTE, "response_quality"]).aggregate(calls=told.count()))


def _llm_calls(tables: Tables) -> "ibis.Table":
    calls = tables.calls.filter(tables.calls.kind == "llm_call")
    return calls.mutate(**{name: calls[name].fill_null(_NOTHING) for name in _ROUTE})


def _with_nulls(table: "ibis.Table") -> "ibis.Table":
    return table.mutate(**{name: table[name].nullif(_NOTHING) for name in _ROUTE})


def reactions(calls: "ibis.Table", by: list[str], tables: Tables) -> "ibis.Table":
    """What was said of the turns with such calls, `by` what tells them apart; a turn counts once for each."""
    import ibis

    said = _with_turns(tables)
    satisfied = ibis.cases((said.feedback_type == "thumbs_up", 1), (said.feedback_type == "thumbs_down", 0))
    by_turn = said.group_by("trace_id").aggregate(
        score_sum=said.understanding_score.sum(),
        scores=said.understanding_score.count(),
        satisfied=satisfied.sum(),
        judged=satisfied.count(),
    )
    taken = calls.semi_join(by_turn, "trace_id").select("trace_id", *by).distinct()
    reacted = taken.inner_join(by_turn, "trace_id")
    return reacted.group_by(by).aggregate(
        score_sum=reacted.score_sum.sum(),
        scores=reacted.scores.sum(),
        satisfied=reacted.satisfied.sum(),
        judged=reacted.judged.sum(),
    )


def _with_turns(tables: Tables) -> "ibis.Table":
    """Feedback with the `trace_id` of its turn: its own, else that of the latest turn on its question in its
    session before it.
    """  # noqa: D205
    import ibis

    columns = ["trace_id", "feedback_type", "understanding_score"]
    feedback = tables.feedback
    named = feedback.filter(feedback.trace_id.notnull())
    unnamed = feedback.filter(
        feedback.trace_id.isnull(), feedback.session_id.notnull(), feedback.question_id.notnull()
    )
    turns = tables.turns.semi_join(unnamed, ["session_id", "question_id"])
    order = ibis.window(group_by=["session_id", "question_id"], order_by=[turns.started_at, turns.trace_id])
    turns = turns.select(
        "trace_id",
        "session_id",
        "question_id",
        since=turns.started_at,
        until=turns.started_at.lead().over(order).fill_null(ibis.timestamp("9999-01-01")),
    )
    found = unnamed.drop("trace_id").inner_join(
        turns,
        [
            unnamed.session_id == turns.session_id,
            unnamed.question_id == turns.question_id,
            unnamed.started_at >= turns.since,
            unnamed.started_at < turns.until,
        ],
    )
    return named.select(columns).union(found.select(columns))
