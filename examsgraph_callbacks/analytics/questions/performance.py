"""How calls went: model by model, how fast and how reliably, and what caches took off."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics.questions.ranks import in_order, percentile, whole
from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["cache_use", "models"]

_NOBODY = ""
_FAILED = ("error", "partial")


def models(tables: Tables) -> "ibis.Table":
    """A row a model (see `ModelFigures`): its calls, how many failed, and how long it took."""
    import ibis

    figures = _counted(tables)
    for further in (_first_tokens(tables), _retries(tables)):
        figures = figures.left_join(further, "model").drop("model_right")
    return figures.mutate(model=figures.model.nullif(_NOBODY)).order_by(ibis.desc("calls"))


def _calls(tables: Tables, *columns: str) -> "ibis.Table":
    """Of the calls of models that answer, some columns, and the `model`."""
    import ibis

    calls = tables.calls
    return calls.filter(calls.kind == "llm_call").select(
        *columns, model=ibis.coalesce(calls.served_model, calls.requested_model, _NOBODY)
    )


def _counted(tables: Tables) -> "ibis.Table":
    """By model, everything that one look at each call tells."""
    import ibis

    calls = _calls(tables, "status", "input_tokens", "output_tokens", "cached_tokens", "latency_ms")
    taken = ibis.ifelse(calls.status == "ok", calls.latency_ms, None)
    counted = calls.group_by("model", whole=whole(taken)).aggregate(
        calls=calls.count(),
        failed=calls.status.isin(_FAILED).cast("int64").sum(),
        input_tokens=calls.input_tokens.sum(),
        output_tokens=calls.output_tokens.sum(),
        cached_tokens=ibis.ifelse(calls.status != "cache_hit", calls.cached_tokens, None).sum(),
        here=taken.count(),
        greatest=taken.max(),
    )
    ordered = in_order(counted, ["model"])
    sums = ("calls", "failed", "input_tokens", "output_tokens", "cached_tokens")
    return ordered.group_by("model").aggregate(
        **{name: ordered[name].sum() for name in sums},
        **{f"latency_p{percent}_ms": percentile(ordered, percent) for percent in (50, 95, 99)},
    )


def _first_tokens(tables: Tables) -> "ibis.Table":
    """By model, how long it took to the first token of the calls that were answered in full."""
    calls = _calls(tables, "status", "time_to_first_token_ms")
    first = calls.time_to_first_token_ms
    counted = (
        calls.filter(calls.status == "ok", first.notnull())
        .group_by("model", whole=whole(first))
        .aggregate(here=first.count(), greatest=first.max())
    )
    ordered = in_order(counted, ["model"])
    return ordered.group_by("model").aggregate(
        **{f"time_to_first_token_p{percent}_ms": percentile(ordered, percent) for percent in (50, 95)}
    )


def _retries(tables: Tables) -> "ibis.Table":
    """By model, how many failed calls were followed in their turn by one that asked for the same model."""
    import ibis

    of_turns = ("trace_id", "requested_model")
    failed = _calls(tables, *of_turns, "status")
    failed = failed.filter(failed.status.isin(_FAILED), failed.trace_id.notnull()).select(*of_turns)
    calls = _calls(tables, *of_turns, "status", "started_at", "event_id")
    around = calls.semi_join(failed, of_turns)
    order = ibis.window(group_by=of_turns, order_by=[around.started_at, around.event_id])
    followed = around.mutate(following=around.event_id.lead().over(order))
    retried = followed.filter(followed.status.isin(_FAILED), followed.following.notnull())
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
