"""Costs as floats that add up: MLflow sums a trace's cost from its spans, and floats round at each step."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import ulp

from pydantic import JsonValue

from examsgraph_callbacks.deliver.measured import CallCost

__all__ = ["costs_that_add_up", "floats_that_add_up"]

_TRIED = 8  # values
_LAST_DIGITS = (0, *(sign * 2**power for power in range(10) for sign in (-1, 1)))


def costs_that_add_up(
    tree: Iterable[tuple[str, str | None]], costs: Mapping[str, CallCost]
) -> dict[str, dict[str, JsonValue]]:
    """The costs as MLflow shows them, by the ids of their spans; `tree` names each span and its parent.

    As MLflow adds them up, the total is the float of the exact sum. For that one of the costs may be off
    by its last digits: about 1e-14 of it, and 1e-12 in a turn of a hundred calls.
    """
    visited = dict.fromkeys(span_id for span_id in _as_mlflow_visits(tree) if span_id in costs)
    order = [*visited, *(span_id for span_id in costs if span_id not in visited)]
    parts = {
        "input_cost": floats_that_add_up([costs[span_id].input_usd for span_id in order]),
        "output_cost": floats_that_add_up([costs[span_id].output_usd for span_id in order]),
        "total_cost": floats_that_add_up([costs[span_id].total_usd for span_id in order]),
    }
    return {
        span_id: {part: values[place] for part, values in parts.items()}
        for place, span_id in enumerate(order)
    }


def floats_that_add_up(values: Sequence[Decimal]) -> list[float]:
    """The values as floats which, added in this order, give the float of their exact sum.

    They do not by themselves: 0.1 + 0.2 is not 0.3. One of the largest then makes up for the rounding, or
    the last; should that not do, each is its value's own.
    """
    floats = [float(value) for value in values]
    exact = float(sum(values))
    rounded = _added(floats) - exact
    if not rounded:
        return floats
    largest = sorted(range(len(floats)), key=lambda place: -floats[place])[:_TRIED]
    for place in (*largest, len(floats) - 1):  # after the last nothing is rounded any more
        for digits in _LAST_DIGITS:
            made_up = floats.copy()
            made_up[place] += digits * ulp(made_up[place]) - rounded
            if _added(made_up) == exact:
                return made_up
    return floats


def _added(floats: Iterable[float]) -> float:
    total = 0.0
    for value in floats:  # not sum(), which from Python 3.12 on makes up for the rounding by itself
        total += value
    return total


def _as_mlflow_visits(tree: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """The spans in the order in which MLflow adds up their costs: parents first, the last child first."""
    spans = list(tree)
    known = {span_id for span_id, _ in spans}
    children: dict[str | None, list[str]] = {}
    for span_id, parent_id in spans:
        children.setdefault(parent_id if parent_id in known else None, []).append(span_id)
    stack = children.pop(None, [])
    while stack:
        span_id = stack.pop()
        yield span_id
        stack.extend(children.pop(span_id, ()))
