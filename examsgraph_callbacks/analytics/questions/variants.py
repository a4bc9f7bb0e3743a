"""Prompt variants against each other: what each took, and how it was received."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics.questions.ranks import in_order, percentile, whole
from examsgraph_callbacks.analytics.questions.routes import reactions
from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["variants"]


def variants(tables: Tables) -> "ibis.Table":
    """A row a prompt variant that calls were made under, in the order of their names."""
    import ibis

    by = ["prompt_variant"]
    calls = _calls(tables, "status", "latency_ms", "cost_usd", "output_tokens")
    taken = ibis.ifelse(calls.status == "ok", calls.latency_ms, None)
    counted = calls.group_by([*by, whole(taken).name("whole")]).aggregate(
        calls=calls.count(),
        cost_usd=calls.cost_usd.sum(),
        unpriced_calls=calls.cost_usd.isnull().cast("int64").sum(),
        output_tokens=calls.output_tokens.sum(),
        answers=calls.output_tokens.count(),
        here=taken.count(),
        greatest=taken.max(),
    )
    ordered = in_order(counted, by)
    figures = ordered.group_by(by).aggregate(
        **{name: ordered[name].sum() for name in ("calls", "cost_usd", "unpriced_calls")},
        average_output_tokens=ordered.output_tokens.sum() / ordered.answers.sum().nullif(0),
        latency_p50_ms=percentile(ordered, 50),
    )
    of_turns = _calls(tables, "trace_id")
    of_turns = of_turns.filter(of_turns.trace_id.notnull())
    turns = of_turns.group_by(by).aggregate(turns=of_turns.trace_id.nunique())
    joined = figures.left_join(turns, by).drop("prompt_variant_right")
    joined = joined.mutate(turns=joined.turns.fill_null(0))
    under_any = tables.calls.filter(tables.calls.prompt_variant.notnull()).select("trace_id")
    received = reactions(_calls(tables, "trace_id"), figures, by, tables, few=under_any)
    return joined.left_join(received, by).drop("prompt_variant_right").order_by(by)


def _calls(tables: Tables, *columns: str) -> "ibis.Table":
    """Of the calls under a prompt variant, some columns, and the variant."""
    calls = tables.calls
    return calls.filter(calls.kind == "llm_call", calls.prompt_variant.notnull()).select(
        "prompt_variant", *columns
    )
