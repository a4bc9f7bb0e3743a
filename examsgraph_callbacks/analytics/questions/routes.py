"""Where tasks went: each route's calls, cost, misroutes and times, and what learners thought of it."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics.questions.ranks import in_order, percentile, whole
from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["qualities", "reactions", "routes"]

_ROUTE = ["task_type", "requested_model", "served_model"]
_BETWEEN = "\x1f"
_GROUPS_A_WORD = 60
"""Groups that are told apart by the bits of one number of 64."""

_NOT_SATISFIED, _SATISFIED = 1, 2
_JUDGED, _SCORE_FROM, _VERDICT_BITS = 0b11, 2, 5
"""A verdict is one number: whether the learner was satisfied, by two bits, below the score, by three.

Both are 0 where nothing was said of them; a score is 1 to 5.
"""

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

    `groups` has a row each. Numbers stand for feedback and bits for groups: the names of a year's turns would
    not fit in memory. `few` has the `trace_id` of the turns that such calls are of, where these may be few:
    what was said of others is left out first.
    """
    import ibis

    said = _with_turns(tables)
    if few is not None:
        said = said.semi_join(few, "trace_id")
    named = groups.select(*by, group=_together(groups, by))
    # they are few: looked up in a list, as an engine that takes them for many would not join them well
    listed = named.aggregate(groups=named.group.collect()).groups.sort().as_scalar()
    taken = calls.inner_join(said, "trace_id")
    taken = taken.select("feedback", number=listed.index(_together(taken, by)))
    # once for each of a turn's groups, however many of its calls are in it
    # from the highest down: an engine takes a 1 for a number of 32 bits
    bit = ibis.literal(1 << (_GROUPS_A_WORD - 1)) >> (_GROUPS_A_WORD - 1 - taken.number % _GROUPS_A_WORD)
    once = taken.group_by("feedback", word=taken.number // _GROUPS_A_WORD).aggregate(bits=_bit_or()(bit))
    alike = once.group_by("word", "bits", verdict=_verdict(once.feedback)).aggregate(times=once.count())
    numbered = named.select(*by, number=listed.index(named.group))
    in_group = (alike.bits >> (numbered.number % _GROUPS_A_WORD)) & 1
    told = numbered.inner_join(alike, [numbered.number // _GROUPS_A_WORD == alike.word, in_group == 1])
    score, judged = told.verdict >> _SCORE_FROM, told.verdict & _JUDGED
    return told.group_by(by).aggregate(
        score_sum=ibis.ifelse(score > 0, score * told.times, None).sum(),
        scores=ibis.ifelse(score > 0, told.times, 0).sum(),
        satisfied=ibis.ifelse(judged > 0, (judged - _NOT_SATISFIED) * told.times, None).sum(),
        judged=ibis.ifelse(judged > 0, told.times, 0).sum(),
    )


@lru_cache(maxsize=1)
def _bit_or() -> "Callable[[ibis.Column], ibis.expr.types.IntegerScalar]":
    """By the name that engines have for it: Ibis does not know it of each."""
    import ibis

    def bit_or(each: int) -> int:
        raise NotImplementedError  # the engine does it

    named: Callable[[ibis.Column], ibis.expr.types.IntegerScalar] = ibis.udf.agg.builtin(bit_or)
    return named


def _together(table: "ibis.Table", by: list[str]) -> "ibis.expr.types.StringValue":
    import ibis

    return ibis.literal(_BETWEEN).join([table[name] for name in by])


def _with_turns(tables: Tables) -> "ibis.Table":
    """What was said, a number of `feedback`, with the `trace_id` of the turn that it is about.

    That is the feedback's own, else that of the latest turn on its question in its session before it.
    """
    import ibis

    question = ["session_id", "question_id"]
    feedback = tables.feedback
    judged = ibis.cases(
        (feedback.feedback_type == "thumbs_up", _SATISFIED),
        (feedback.feedback_type == "thumbs_down", _NOT_SATISFIED),
        else_=0,
    )
    verdict = (feedback.understanding_score.fill_null(0) << _SCORE_FROM) + judged
    # odd numbers and even ones: to number them all at once, an engine would have to hold them all
    named = feedback.filter(feedback.trace_id.notnull()).select("trace_id", feedback=_numbered(verdict, 1))
    unnamed = feedback.filter(feedback.trace_id.isnull(), *(feedback[name].notnull() for name in question))
    unnamed = unnamed.select(*question, said_at="started_at", feedback=_numbered(verdict, 0))
    turns = tables.turns.select("trace_id", *question, "started_at")
    asked = turns.inner_join(unnamed, question)
    asked = asked.filter(asked.started_at <= asked.said_at)
    latest = ibis.struct({"started_at": asked.started_at, "trace_id": asked.trace_id}).max()
    found = asked.group_by("feedback").aggregate(trace_id=latest["trace_id"])
    return named.union(found.select("trace_id", "feedback"))


def _numbered(verdict: "ibis.expr.types.IntegerValue", last_bit: int) -> "ibis.expr.types.IntegerValue":
    """A number for each feedback that tells its verdict too: millions of rows carry it along."""
    import ibis

    number = ibis.row_number().over(ibis.window()).cast("int64") * 2 + last_bit
    return (number << _VERDICT_BITS) + verdict


def _verdict(feedback: "ibis.expr.types.IntegerValue") -> "ibis.expr.types.IntegerValue":
    return feedback & ((1 << _VERDICT_BITS) - 1)
