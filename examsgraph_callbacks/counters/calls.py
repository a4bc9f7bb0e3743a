"""Counts calls: by model, task and outcome, their tokens, cost and times, all from measured columns."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from examsgraph_callbacks.counters.series import HISTOGRAMS, UNKNOWN
from examsgraph_callbacks.counters.sums import Sums
from examsgraph_callbacks.measure import model_family

__all__ = ["count_calls", "distribute"]

_TIMES = {
    "latency_ms": "examsgraph_call_latency_seconds",
    "time_to_first_token_ms": "examsgraph_time_to_first_token_seconds",
}


def count_calls(sums: Sums, calls: pa.Table) -> None:
    """Count the rows of `calls`, one of the tables that questions are asked of."""
    if not calls.num_rows:
        return
    calls = _with_columns(calls)
    for kind, model, task, status, number in _groups(calls, ["kind", "model", "task_type", "status"]):
        sums.count("examsgraph_calls", (kind.removesuffix("_call"), model, task, status), number)
    for model, inputs, outputs in _groups(
        calls, ["model"], [("input_tokens", "sum"), ("output_tokens", "sum")]
    ):
        for direction, tokens in (("input", inputs), ("output", outputs)):
            if tokens is not None:
                sums.count("examsgraph_tokens", (model, direction), tokens)
    _count_costs(sums, calls)
    failed = calls.filter(pc.equal(calls["status"], "error"))
    for model, error, number in _groups(failed, ["model", "error_type"]):
        sums.count("examsgraph_errors", (model, error), number)
    judged = calls.filter(calls["misrouted"].is_valid())
    for model, task, number, misrouted in _groups(
        judged, ["model", "task_type"], [([], "count_all"), ("misrouted", "sum")]
    ):
        sums.count("examsgraph_routed_calls", (model, task), number)
        # with a series for what has not happened yet, its first time is an increase
        sums.count("examsgraph_misroutes", (model, task), misrouted)
    _count_times(sums, calls)


def _count_costs(sums: Sums, calls: pa.Table) -> None:
    for model, task, usd in _groups(calls, ["model", "task_type"], [("cost_usd", "sum")]):
        if usd is not None:  # what is not known is not 0
            sums.count("examsgraph_cost_usd", (model, task), usd)
    under = calls.filter(pc.and_(calls["prompt_variant"].is_valid(), pc.equal(calls["kind"], "llm_call")))
    for variant, number, usd in _groups(under, ["prompt_variant"], [([], "count_all"), ("cost_usd", "sum")]):
        sums.count("examsgraph_prompt_calls", (variant,), number)
        if usd is not None:
            sums.count("examsgraph_prompt_cost_usd", (variant,), usd)
    # what failed before it used anything has no cost to miss
    unpriced = pc.and_(calls["cost_usd"].is_null(), pc.not_equal(calls["status"], "error"))
    counted = calls.append_column("unpriced", unpriced)
    for model, number in _groups(counted, ["model"], [("unpriced", "sum")]):
        sums.count("examsgraph_unpriced_calls", (model,), number or 0)


def _count_times(sums: Sums, calls: pa.Table) -> None:
    timed = calls.filter(
        pc.and_(pc.equal(calls["kind"], "llm_call"), pc.not_equal(calls["status"], "cache_hit"))
    )
    for column, name in _TIMES.items():
        told = timed.filter(timed[column].is_valid())
        for model in pc.unique(told["model"]).to_pylist():
            seconds = told.filter(pc.equal(told["model"], model))[column].to_numpy() / 1000
            distribute(sums, name, (model,), seconds)


def distribute(sums: Sums, name: str, labels: tuple[str, ...], values: "np.ndarray[Any, Any]") -> None:
    """Add values to a histogram."""
    bounds = HISTOGRAMS[name]
    # a bucket holds what is at most its bound
    places = np.searchsorted(bounds, values, side="left")
    counts = np.bincount(places, minlength=len(bounds) + 1)
    sums.distribute(name, labels, counts.tolist(), float(values.sum()))


def _with_columns(calls: pa.Table) -> pa.Table:
    """The calls with their `model`: the served one, else the requested one, without the snapshot's date."""
    served = pc.coalesce(calls["served_model"], calls["requested_model"], pa.scalar(UNKNOWN))
    names = pc.unique(served)
    families = pa.array([model_family(name) for name in names.to_pylist()], pa.string())
    return calls.append_column("model", families.take(pc.index_in(served, names)))


def _groups(
    rows: pa.Table, by: list[str], sums: list[tuple[Any, str]] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Each combination of `by` with what its rows add up to, or how many they are."""
    if not rows.num_rows:
        return
    wanted = sums or [([], "count_all")]
    grouped = rows.group_by(by).aggregate(wanted)
    names = [f"{column}_{how}" if column else how for column, how in wanted]
    for row in grouped.select([*by, *names]).to_pylist():
        yield tuple(row[name] for name in (*by, *names))
