"""Rows as an engine hands them over, and the answers that are made of them."""

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from examsgraph_callbacks.analytics.answers import MarginVerdict, ModelFigures, RouteFigures, VariantFigures

if TYPE_CHECKING:
    import ibis

__all__ = [
    "model_figures",
    "quotient",
    "route_figures",
    "route_of",
    "rows_of",
    "share",
    "variant_figures",
    "verdict_on",
]

_EXACT = Context(prec=60)


def rows_of(expression: "ibis.Table") -> list[dict[str, Any]]:
    """The rows that an expression comes to."""
    rows: list[dict[str, Any]] = expression.to_pyarrow().to_pylist()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    """A decimal without the zeros that fill its column."""
    if not isinstance(value, Decimal):
        return value
    shorter = value.normalize(_EXACT)
    return shorter.quantize(Decimal(1), context=_EXACT) if int(shorter.as_tuple().exponent) > 0 else shorter


def quotient(usd: Decimal | None, count: int) -> Decimal | None:
    """An average; None where there is nothing to average."""
    return None if usd is None or not count else usd / count


def share(part: int | None, whole: int | None) -> float | None:
    """A part of a whole, 0 to 1; None where there is no whole."""
    return (part or 0) / whole if whole else None


def verdict_on(margin_krw: Decimal | None) -> MarginVerdict:
    """What a margin means for the price."""
    if margin_krw is None:
        return "not enough data"
    return "sustainable" if margin_krw > 0 else "unsustainable"


def route_of(row: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    """What tells a route from others."""
    return row["task_type"], row["requested_model"], row["served_model"]


def route_figures(row: dict[str, Any], words: dict[str, int]) -> RouteFigures:
    """A row of `questions.routes` as its answer, with the `words` that were said of it."""
    return RouteFigures(
        task_type=row["task_type"],
        requested_model=row["requested_model"],
        served_model=row["served_model"],
        calls=row["calls"],
        cost_usd=row["cost_usd"],
        unpriced_calls=row["unpriced_calls"],
        misroutes=row["misroutes"],
        misroute_extra_usd=row["misroute_extra_usd"],
        latency_p50_ms=row["latency_p50_ms"],
        latency_p95_ms=row["latency_p95_ms"],
        understanding=share(row["score_sum"], row["scores"]),
        satisfaction=share(row["satisfied"], row["judged"]),
        scores=row["scores"] or 0,
        qualities=words,
    )


def model_figures(row: dict[str, Any]) -> ModelFigures:
    """A row of `questions.models` as its answer."""
    cached = row["cached_tokens"]
    return ModelFigures(
        **{name: value for name, value in row.items() if name not in {"cached_tokens", "retried"}},
        retried=row["retried"] or 0,
        cached_share=None if cached is None else share(cached, row["input_tokens"]),
    )


def variant_figures(row: dict[str, Any]) -> VariantFigures:
    """A row of `questions.variants` as its answer."""
    told = {"score_sum", "scores", "satisfied", "judged", "prompt_variant"}
    return VariantFigures(
        **{name: value for name, value in row.items() if name not in told},
        variant=row["prompt_variant"],
        understanding=share(row["score_sum"], row["scores"]),
        satisfaction=share(row["satisfied"], row["judged"]),
        scores=row["scores"] or 0,
    )
