"""The dashboard's questions: what was spent lately, and costs, times and failures in the course of time."""

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from examsgraph_callbacks.analytics.questions.clock import clock_time, naive
from examsgraph_callbacks.analytics.questions.ranks import in_order, percentile, whole
from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = [
    "concepts_named",
    "costs_in_time",
    "models_called",
    "speed_in_all",
    "speed_in_time",
    "spent",
    "strange_explorations",
    "strange_share",
]

_UNITS = {"hour": "h", "day": "D"}


def spent(tables: Tables, since: datetime, month_since: datetime) -> "ibis.Table":
    """One row: the calls from `since` on, and the learners from `month_since` on, both in UTC."""
    of_month = tables.calls.filter(tables.calls.started_at >= naive(month_since))
    calls = of_month.filter(of_month.started_at >= naive(since))
    figures = calls.aggregate(
        calls=calls.count(),
        cost_usd=calls.cost_usd.sum(),
        learners=calls.user_id.nunique(),
        unpriced_calls=calls.cost_usd.isnull().cast("int64").sum(),
        estimated_calls=calls.estimated.cast("int64").sum(),
    )
    return figures.cross_join(of_month.aggregate(month_learners=of_month.user_id.nunique()))


def costs_in_time(tables: Tables, zone: ZoneInfo, by: str) -> "ibis.Table":
    """By the hour or day that `began` by the zone's clock and `model`: `calls` and what they cost."""
    import ibis

    calls = tables.calls.mutate(
        began=clock_time(tables.calls.started_at, zone).truncate(_UNITS[by]),
        model=ibis.coalesce(tables.calls.served_model, tables.calls.requested_model),
    )
    costs = calls.group_by(["began", "model"]).aggregate(
        calls=calls.count(),
        cost_usd=calls.cost_usd.sum(),
        unpriced_calls=calls.cost_usd.isnull().cast("int64").sum(),
        estimated_calls=calls.estimated.cast("int64").sum(),
    )
    return costs.order_by([costs.began, costs.model])


def speed_in_time(tables: Tables, zone: ZoneInfo, by: str) -> "ibis.Table":
    """By the hour or day that `began`: the LLM calls that were answered in full, and their percentiles."""
    answered = _answered(tables)
    answered = answered.mutate(began=clock_time(answered.started_at, zone).truncate(_UNITS[by]))
    return _speed(answered, "began").order_by("began")


def speed_in_all(tables: Tables) -> "ibis.Table":
    """The same over the whole time: one row, or none."""
    return _speed(_answered(tables).mutate(of_all=0), "of_all")


def _speed(answered: "ibis.Table", by: str) -> "ibis.Table":
    taken = answered.latency_ms
    counted = answered.group_by(by, whole=whole(taken)).aggregate(
        calls=answered.count(), here=taken.count(), greatest=taken.max()
    )
    ordered = in_order(counted, [by])
    return ordered.group_by(by).aggregate(
        calls=ordered.calls.sum(),
        **{f"latency_p{percent}_ms": percentile(ordered, percent) for percent in (50, 95)},
    )


def strange_explorations(tables: Tables, limit: int) -> "ibis.Table":
    """Of each question and wrong concept the newest exploration with anomalous hops, and how many there are.

    The newest first; one that nothing tells the question of stands for itself.
    """
    import ibis

    strange = _judged(tables)
    strange = strange.filter(strange.anomalous_hops > 0)
    strange = strange.mutate(asked=ibis.coalesce(strange.question_id, strange.query, strange.event_id))
    newest = strange.group_by(["asked", "wrong_concept"]).aggregate(
        event_id=strange.event_id.argmax(strange.started_at),
        position=strange.position.argmax(strange.started_at),
        started_at=strange.started_at.max(),
        times=strange.count(),
    )
    newest = newest.order_by([newest.started_at.desc(), newest.event_id]).limit(limit)
    return newest.select("event_id", "position", "started_at", "times")


def strange_share(tables: Tables) -> "ibis.Table":
    """One row: how many explorations could be `judged`, and how many of them were `strange`."""
    judged = _judged(tables)
    return judged.aggregate(judged=judged.count(), strange=(judged.anomalous_hops > 0).cast("int64").sum())


def models_called(tables: Tables, limit: int) -> "ibis.Table":
    """The models that answered, by falling calls."""
    import ibis

    calls = tables.calls.mutate(model=ibis.coalesce(tables.calls.served_model, tables.calls.requested_model))
    calls = calls.filter(calls.model.notnull())
    counted = calls.group_by("model").aggregate(times=calls.count())
    return counted.order_by([counted.times.desc(), counted.model]).limit(limit)


def concepts_named(tables: Tables, limit: int) -> "ibis.Table":
    """The concepts that turns and feedback name, by falling mentions."""
    named = tables.turns.select(concept="wrong_concept").union(tables.feedback.select("concept"))
    named = named.filter(named.concept.notnull())
    counted = named.group_by("concept").aggregate(times=named.count())
    return counted.order_by([counted.times.desc(), counted.concept]).limit(limit)


def _answered(tables: Tables) -> "ibis.Table":
    return tables.calls.filter(tables.calls.kind == "llm_call", tables.calls.status == "ok")


def _judged(tables: Tables) -> "ibis.Table":
    explorations = tables.explorations
    return explorations.filter(explorations.status != "error", explorations.anomalous_hops.notnull())
