"""How calls went: model by model, how fast and how reliably, and what caches took off."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics.questions.ranks import nearest_ranks
from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["cache_use", "models"]

_NOBODY = ""


def models(tables: Tables) -> "ibis.Table":
    """A row a model (see `ModelFigures`): its calls, how many failed, and how long it took."""
    import ibis

    calls = tables.calls.filter(tables.calls.kind == "llm_call")
    calls = calls.mutate(model=ibis.coalesce(calls.served_model, calls.requested_model, _NOBODY))
    failed = calls.status.isin(["error", "partial"])
    not_hit = calls.status != "cache_hit"
    counted = calls.group_by("model").aggregate(
        calls=calls.count(),
        failed=failed.cast("int64").sum(),
        input_tokens=calls.input_tokens.sum(),
        output_tokens=calls.output_tokens.sum(),
        cached_tokens=ibis.ifelse(not_hit, calls.cached_tokens, None).sum(),
    )
    answered = calls.filter(calls.status == "ok")
    latencies = nearest_ranks(
        answered, ["model"], "latency_ms", {"latency_p50_ms": 50, "latency_p95_ms": 95, "latency_p99_ms": 99}
    )
    firsts = nearest_ranks(
        answered,
        ["model"],
        "time_to_first_token_ms",
        {"time_to_first_token_p50_ms": 50, "time_to_first_token_p95_ms": 95},
    )
    figures = counted.left_join(latencies, "model").drop("model_right")
    figures = figures.left_join(firsts, "model").drop("model_right")
    figures = figures.left_join(_retries(calls), "model").drop("model_right")
    return figures.mutate(model=figures.model.nullif(_NOBODY)).order_by(ibis.desc("calls"))


def _retries(calls: "ibis.Table") -> "ibis.Table":
    """By model, how many failed calls were followed in their turn by one that asked for the same model."""
    import ibis

    failures = calls.filter(calls.status.isin(["error", "partial"]), calls.trace_id.notnull())
    around = calls.semi_join(failures, ["trace_id", "requested_model"])
    order = ibis.window(
        group_by=["trace_id", "requested_model"], order_by=[around.started_at, around.event_id]
    )
    followed = around.mutate(following=around.event_id.lead().over(order))
    retried = followed.filter(followed.status.isin(["error", "partial"]), followed.following.notnull())
    return retried.group_by("model").aggregate(retried=retried.count())


def cache_use(tables: Tables) -> "ibis.Table":
    """A row for all calls of one price: the tokens that were read from caches, and what hits saved."""
    calls = tables.calls.filter(tables.calls.kind == "llm_call")
    is_hit = calls.status == "cache_hit"
    used = calls.filter(is_hit | (calls.cached_tokens > 0))
    is_hit = used.status == "cache_hit"
    return used.group_by(
        "provider", "served_model", "requested_model", "service_tier", day=used.started_at.date()
    ).aggregate(
        cached_tokens=is_hit.ifelse(0, used.cached_tokens).sum(),
        hits=is_hit.cast("int64").sum(),
        saved_input_tokens=used.saved_input_tokens.sum(),
        saved_output_tokens=used.saved_output_tokens.sum(),
    )
