"""The questions as their users ask them: each method is one question, its answer one frozen value."""

import threading
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Context, Decimal
from typing import TYPE_CHECKING, Any

from examsgraph_callbacks.analytics.answers import (
    AverageCost,
    ConceptUnderstanding,
    CostByHour,
    FailedConceptCount,
    HourCost,
    Margin,
    MarginVerdict,
    PathQuality,
    Period,
    RelationQuality,
    RouteFigures,
    Routing,
    TopFailedConcepts,
    UnderstandingByConcept,
)
from examsgraph_callbacks.analytics.explorations import INEFFICIENT_DEPTH
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.settings import Settings

if TYPE_CHECKING:
    import ibis

    from examsgraph_callbacks.analytics.sources import Sources, Tables

__all__ = ["ENOUGH_SCORES", "Analytics"]

ENOUGH_SCORES = 5
"""From so many scores on, a concept's understanding is told without reserve."""

_EVER = Period()
_EXACT = Context(prec=60)


class Analytics:
    """Questions asked of `journal`, with whatever was written to it last.

    Costs and routes are `meter`'s, by default list prices and the product's policy; `settings` say the
    engine, the time zone, the subscription's price and the won a dollar. Safe in threads, which wait for
    each other. The engine is started by the first question. Raises `MissingExtraError` or
    `InvalidInputError` where the engine cannot be.
    """

    def __init__(
        self, journal: Journal, settings: Settings | None = None, meter: Meter | None = None
    ) -> None:
        self._journal = journal
        self._settings = settings or Settings()
        self._meter = meter or Meter()
        self._lock = threading.Lock()
        self._sources: Sources | None = None

    def top_failed_concepts(self, limit: int = 5, period: Period = _EVER) -> TopFailedConcepts:
        """The `limit` concepts that failed most: thumbs down, or an understanding of 2 or less."""
        from examsgraph_callbacks.analytics.questions.understanding import failures_by_concept

        with self._lock:
            rows = _rows(failures_by_concept(self._tables(period, "feedback")))
        named = [row for row in rows if row["concept"] is not None]
        return TopFailedConcepts(
            concepts=tuple(FailedConceptCount(**row) for row in named[:limit]),
            unattributed=sum(row["failure_count"] for row in rows if row["concept"] is None),
        )

    def average_cost(self, user_id: str | None = None, period: Period = _EVER) -> AverageCost:
        """What a user (None: any user) costs in a calendar month, on average."""
        row = self._monthly(user_id, period)
        average = _quotient(row["usd"], row["priced"])
        return AverageCost(
            user_id=user_id,
            average_cost_usd=average,
            average_cost_krw=self._krw(average),
            users=row["users"],
            months=row["months"],
            calls=row["calls"] or 0,
            unpriced_share=_share(row["unpriced"], row["calls"]),
            estimated_share=_share(row["estimated"], row["calls"]),
        )

    def margin(self, period: Period = _EVER) -> Margin:
        """What the subscription leaves of a learner's month."""
        row = self._monthly(None, period)
        price = self._settings.subscription_price_krw
        average_usd = _quotient(row["usd"], row["priced"])
        average_krw = self._krw(average_usd)
        margin_krw = None if average_krw is None else price - average_krw
        return Margin(
            subscription_krw=price,
            average_cost_usd=average_usd,
            average_cost_krw=average_krw,
            margin_krw=margin_krw,
            margin_share=None if margin_krw is None else float(margin_krw / price),
            users=row["users"],
            losing_share=_share(row["losing"], row["priced"]),
            unpriced_share=_share(row["unpriced"], row["calls"]),
            verdict=_verdict(margin_krw),
        )

    def cost_by_hour(self, period: Period = _EVER) -> CostByHour:
        """What each hour cost, model by model."""
        from examsgraph_callbacks.analytics.questions.costs import cost_by_hour

        zone = self._settings.time_zone
        with self._lock:
            rows = _rows(cost_by_hour(self._tables(period, "calls"), zone))
        return CostByHour(
            hours=tuple(
                HourCost(**(row | {"hour": row["hour"].replace(tzinfo=UTC).astimezone(zone)})) for row in rows
            ),
            time_zone=str(zone),
        )

    def routing(self, period: Period = _EVER) -> Routing:
        """Which task went to which model, what that cost, and how it was received."""
        from examsgraph_callbacks.analytics.questions.routes import qualities, routes

        with self._lock:
            tables = self._tables(period, "calls", "feedback")
            rows, said = _rows(routes(tables)), _rows(qualities(tables))
        words: defaultdict[tuple[object, ...], dict[str, int]] = defaultdict(dict)
        for row in sorted(said, key=lambda row: (-row["calls"], row["response_quality"])):
            words[_route(row)][row["response_quality"]] = row["calls"]
        rows.sort(key=lambda row: [name or "" for name in _route(row)])
        return Routing(routes=tuple(_route_figures(row, words[_route(row)]) for row in rows))

    def understanding_by_concept(self, period: Period = _EVER) -> UnderstandingByConcept:
        """How well each concept was understood, the least understood first."""
        from examsgraph_callbacks.analytics.questions.understanding import understanding_by_concept

        with self._lock:
            rows = _rows(understanding_by_concept(self._tables(period, "feedback")))
        concepts = [
            ConceptUnderstanding(
                concept=row["concept"],
                scores=row["scores"],
                understanding=row["understanding"],
                failures=row["failures"],
                enough=row["scores"] >= ENOUGH_SCORES,
            )
            for row in rows
            if row["concept"] is not None and row["scores"]
        ]
        concepts.sort(key=lambda each: (not each.enough, each.understanding, each.concept))
        return UnderstandingByConcept(
            concepts=tuple(concepts),
            unattributed=sum(row["feedbacks"] for row in rows if row["concept"] is None),
        )

    def path_quality(self, period: Period = _EVER) -> PathQuality:
        """How far the graph was walked, and how often astray."""
        from examsgraph_callbacks.analytics.questions.walks import path_quality, relation_quality

        with self._lock:
            tables = self._tables(period, "explorations", "hops", "dead_ends")
            (row,) = _rows(path_quality(tables, INEFFICIENT_DEPTH))
            relations = _rows(relation_quality(tables))
        hops = sum(relation["hops"] for relation in relations)
        return PathQuality(
            explorations=row["explorations"],
            average_path_length=row["average_path_length"],
            average_depth=row["average_depth"],
            deep=row["deep"] or 0,
            anomalous_share=_share(sum(relation["anomalous"] for relation in relations), hops),
            dead_ends=row["dead_ends"],
            relations=tuple(
                RelationQuality(**relation, anomalous_share=relation["anomalous"] / relation["hops"])
                for relation in relations
            ),
            first_day=self._day(row["began"]),
            last_day=self._day(row["ended"]),
        )

    def _monthly(self, user_id: str | None, period: Period) -> dict[str, Any]:
        from examsgraph_callbacks.analytics.questions.costs import monthly_costs

        # sums have 18 decimals: what exceeds the price to the last of them exceeds the price
        paid = self._settings.subscription_price_krw / Decimal(str(self._settings.krw_per_usd))
        paid = paid.quantize(Decimal(1).scaleb(-18), ROUND_FLOOR)
        with self._lock:
            tables = self._tables(period, "calls")
            (row,) = _rows(monthly_costs(tables, self._settings.time_zone, user_id, paid_usd=paid))
        return row

    def _tables(self, period: Period, *bounded: str) -> "Tables":
        """The tables of this moment, of those `bounded` only the rows of the period."""
        from examsgraph_callbacks.analytics.engine import connect
        from examsgraph_callbacks.analytics.questions.clock import in_period
        from examsgraph_callbacks.analytics.sources import Sources

        if self._sources is None:
            backend = connect(self._settings.engine)
            self._sources = Sources(self._journal, self._meter, backend, self._settings.lake)
        tables = self._sources.tables(bounded, period)
        return replace(tables, **{name: in_period(getattr(tables, name), period) for name in bounded})

    def _krw(self, usd: Decimal | None) -> Decimal | None:
        return None if usd is None else usd * Decimal(str(self._settings.krw_per_usd))

    def _day(self, moment: datetime | None) -> Any:
        return (
            None if moment is None else moment.replace(tzinfo=UTC).astimezone(self._settings.time_zone).date()
        )


def _rows(expression: "ibis.Table") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = expression.to_pyarrow().to_pylist()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    """A decimal without the zeros that fill its column."""
    if not isinstance(value, Decimal):
        return value
    shorter = value.normalize(_EXACT)
    return shorter.quantize(Decimal(1), context=_EXACT) if int(shorter.as_tuple().exponent) > 0 else shorter


def _quotient(usd: Decimal | None, count: int) -> Decimal | None:
    return None if usd is None or not count else usd / count


def _share(part: int | None, whole: int | None) -> float | None:
    return (part or 0) / whole if whole else None


def _verdict(margin_krw: Decimal | None) -> MarginVerdict:
    if margin_krw is None:
        return "not enough data"
    return "sustainable" if margin_krw > 0 else "unsustainable"


def _route(row: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    return row["task_type"], row["requested_model"], row["served_model"]


def _route_figures(row: dict[str, Any], words: dict[str, int]) -> RouteFigures:
    all_known = row["misroutes"] and row["misroutes"] == row["extra_known"]
    return RouteFigures(
        task_type=row["task_type"],
        requested_model=row["requested_model"],
        served_model=row["served_model"],
        calls=row["calls"],
        cost_usd=row["cost_usd"],
        unpriced_calls=row["unpriced_calls"],
        misroutes=row["misroutes"],
        misroute_extra_usd=row["misroute_extra_usd"] if all_known else None,
        latency_p50_ms=row["latency_p50_ms"],
        latency_p95_ms=row["latency_p95_ms"],
        understanding=_share(row["score_sum"], row["scores"]),
        satisfaction=_share(row["satisfied"], row["judged"]),
        scores=row["scores"] or 0,
        qualities=words,
    )
