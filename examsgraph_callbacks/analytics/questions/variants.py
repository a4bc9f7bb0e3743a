"""Prompt variants against each other: what each took, and how it was received."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics.questions.ranks import nearest_ranks
from examsgraph_callbacks.analytics.questions.routes import reactions
from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["variants"]


def variants(tables: Tables) -> "ibis.Table":
    """A row a prompt variant that calls were made under, in the order of their names."""
    by = ["prompt_variant"]
    calls = tables.calls.filter(tables.calls.kind == "llm_call", tables.calls.prompt_variant.notnull())
    figures = calls.group_by(by).aggregate(
        calls=calls.count(),
        turns=calls.trace_id.nunique(),
        cost_usd=calls.cost_usd.sum(),
        unpriced_calls=calls.cost_usd.isnull().cast("int64").sum(),
        average_output_tokens=calls.output_tokens.mean(),
    )
    times = nearest_ranks(calls.filter(calls.status == "ok"), by, "latency_ms", {"latency_p50_ms": 50})
    joined = figures.left_join(times, by).drop("prompt_variant_right")
    joined = joined.left_join(reactions(calls, by, tables), by).drop("prompt_variant_right")
    return joined.order_by(by)
