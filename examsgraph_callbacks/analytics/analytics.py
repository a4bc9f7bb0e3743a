"""The questions as their users ask them: each method is one question, its answer one frozen value."""

from collections import defaultdict
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any, Self

from examsgraph_callbacks.analytics.answers import (
    AverageCost,
    ConceptUnderstanding,
    CostByHour,
    FailedConceptCount,
    HourCost,
    Margin,
    Overview,
    PathQuality,
    Performance,
    Period,
    PromptVariants,
    RelationQuality,
    Routing,
    TopFailedConcepts,
    UnderstandingByConcept,
)
from examsgraph_callbacks.analytics.explorations import INEFFICIENT_DEPTH
from examsgraph_callbacks.analytics.opened import Opened
from examsgraph_callbacks.analytics.rows import (
    model_figures,
    quotient,
    route_figures,
    route_of,
    rows_of,
    share,
    variant_figures,
    verdict_on,
)
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter, configured_meter
from examsgraph_callbacks.settings import Settings, current_settings

if TYPE_CHECKING:
    from examsgraph_callbacks.analytics.sources import Tables

__all__ = ["ENOUGH_SCORES", "Analytics"]

ENOUGH_SCORES = 5
"""From so many scores on, a concept's understanding is told without reserve."""

_EVER = Period()


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
        self._settings = settings or current_settings()
        self._meter = meter or configured_meter()
        self._open = Opened(journal, self._settings, self._meter)
        self._user_id: str | None = None
        self._concept: str | None = None
        self._model: str | None = None

    def narrowed(
        self, *, user_id: str | None = None, concept: str | None = None, model: str | None = None
    ) -> Self:
        """The same questions of one user, about one concept, or of one model; all read the journal once."""
        narrower = copy(self)
        narrower.__dict__.update(_user_id=user_id, _concept=concept, _model=model)
        return narrower

    def overview(self, period: Period = _EVER) -> Overview:
        """Every answer."""
        return Overview(
            period=period,
            user_id=self._user_id,
            concept=self._concept,
            generated_at=datetime.now(self._settings.time_zone),
            top_failed_concepts=self.top_failed_concepts(10, period),
            average_cost=self.average_cost(self._user_id, period),
            margin=self.margin(period),
            cost_by_hour=self.cost_by_hour(period),
            routing=self.routing(period),
            performance=self.performance(period),
            understanding_by_concept=self.understanding_by_concept(period),
            path_quality=self.path_quality(period),
            prompt_variants=self.prompt_variants(period),
        )

    def top_failed_concepts(self, limit: int = 5, period: Period = _EVER) -> TopFailedConcepts:
        """The `limit` concepts that failed most: thumbs down, or an understanding of 2 or less."""
        from examsgraph_callbacks.analytics.questions.understanding import failures_by_concept

        with self._open.question():
            rows = rows_of(failures_by_concept(self._tables(period, "feedback")))
        named = [row for row in rows if row["concept"] is not None]
        return TopFailedConcepts(
            concepts=tuple(FailedConceptCount(**row) for row in named[:limit]),
            unattributed=sum(row["failure_count"] for row in rows if row["concept"] is None),
        )

    def average_cost(self, user_id: str | None = None, period: Period = _EVER) -> AverageCost:
        """What a user (None: any user) costs in a calendar month, on average."""
        row = self._monthly(user_id, period)
        average = quotient(row["usd"], row["priced"])
        return AverageCost(
            user_id=user_id,
            average_cost_usd=average,
            average_cost_krw=self._krw(average),
            users=row["users"],
            months=row["months"],
            calls=row["calls"] or 0,
            unpriced_share=share(row["unpriced"], row["calls"]),
            estimated_share=share(row["estimated"], row["calls"]),
        )

    def margin(self, period: Period = _EVER) -> Margin:
        """What the subscription leaves of a learner's month."""
        row = self._monthly(None, period)
        price = self._settings.subscription_price_krw
        average_usd = quotient(row["usd"], row["priced"])
        average_krw = self._krw(average_usd)
        margin_krw = None if average_krw is None else price - average_krw
        return Margin(
            subscription_krw=price,
            average_cost_usd=average_usd,
            average_cost_krw=average_krw,
            margin_krw=margin_krw,
            margin_share=None if margin_krw is None else float(margin_krw / price),
            users=row["users"],
            losing_share=share(row["losing"], row["priced"]),
            unpriced_share=share(row["unpriced"], row["calls"]),
            verdict=verdict_on(margin_krw),
        )

    def cost_by_hour(self, period: Period = _EVER) -> CostByHour:
        """What each hour cost, model by model."""
        from examsgraph_callbacks.analytics.questions.costs import cost_by_hour

        zone = self._settings.time_zone
        with self._open.question():
            rows = rows_of(cost_by_hour(self._tables(period, "calls"), zone))
        return CostByHour(
            hours=tuple(
                HourCost(**(row | {"hour": row["hour"].replace(tzinfo=UTC).astimezone(zone)})) for row in rows
            ),
            time_zone=str(zone),
        )

    def routing(self, period: Period = _EVER) -> Routing:
        """Which task went to which model, what that cost, and how it was received."""
        from examsgraph_callbacks.analytics.questions.routes import qualities, routes

        with self._open.question():
            tables = self._tables(period, "calls", "feedback")
            rows, said = rows_of(routes(tables)), rows_of(qualities(tables))
        words: defaultdict[tuple[object, ...], dict[str, int]] = defaultdict(dict)
        for row in sorted(said, key=lambda row: (-row["calls"], row["response_quality"])):
            words[route_of(row)][row["response_quality"]] = row["calls"]
        rows.sort(key=lambda row: [name or "" for name in route_of(row)])
        return Routing(routes=tuple(route_figures(row, words[route_of(row)]) for row in rows))

    def understanding_by_concept(self, period: Period = _EVER) -> UnderstandingByConcept:
        """How well each concept was understood, the least understood first."""
        from examsgraph_callbacks.analytics.questions.understanding import understanding_by_concept

        with self._open.question():
            rows = rows_of(understanding_by_concept(self._tables(period, "feedback")))
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

    def performance(self, period: Period = _EVER) -> Performance:
        """How fast and how reliably each model answered, and what caches saved."""
        from examsgraph_callbacks.analytics.questions.performance import cache_use, models
        from examsgraph_callbacks.analytics.savings import savings

        with self._open.question():
            tables = self._tables(period, "calls")
            rows, used = rows_of(models(tables)), rows_of(cache_use(tables))
        return Performance(
            models=tuple(model_figures(row) for row in rows), savings=savings(used, self._meter)
        )

    def prompt_variants(self, period: Period = _EVER) -> PromptVariants:
        """What each prompt variant took, and how it was received."""
        from examsgraph_callbacks.analytics.questions.variants import variants

        with self._open.question():
            rows = rows_of(variants(self._tables(period, "calls", "feedback")))
        return PromptVariants(variants=tuple(variant_figures(row) for row in rows))

    def path_quality(self, period: Period = _EVER) -> PathQuality:
        """How far the graph was walked, and how often astray."""
        from examsgraph_callbacks.analytics.questions.walks import path_quality, relation_quality

        with self._open.question():
            tables = self._tables(period, "explorations", "hops", "dead_ends")
            (row,) = rows_of(path_quality(tables, INEFFICIENT_DEPTH))
            relations = rows_of(relation_quality(tables))
        hops = sum(relation["hops"] for relation in relations)
        return PathQuality(
            explorations=row["explorations"],
            average_path_length=row["average_path_length"],
            average_depth=row["average_depth"],
            deep=row["deep"] or 0,
            anomalous_share=share(sum(relation["anomalous"] for relation in relations), hops),
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
        with self._open.question():
            tables = self._tables(period, "calls")
            (row,) = rows_of(monthly_costs(tables, self._settings.time_zone, user_id, paid_usd=paid))
        return row

    def _tables(self, period: Period, *bounded: str) -> "Tables":
        """The tables of this moment, of those `bounded` only the rows of the period."""
        from examsgraph_callbacks.analytics.questions.clock import in_period
        from examsgraph_callbacks.analytics.questions.narrowing import about_concept, of_model, of_user

        tables = self._open.sources.tables(bounded, period)
        tables = replace(tables, **{name: in_period(getattr(tables, name), period) for name in bounded})
        if self._concept is not None:
            tables = about_concept(tables, self._concept)
        if self._model is not None:
            tables = of_model(tables, self._model)
        return tables if self._user_id is None else of_user(tables, self._user_id)

    def _krw(self, usd: Decimal | None) -> Decimal | None:
        return None if usd is None else usd * Decimal(str(self._settings.krw_per_usd))

    def _day(self, moment: datetime | None) -> Any:
        return (
            None if moment is None else moment.replace(tzinfo=UTC).astimezone(self._settings.time_zone).date()
        )
