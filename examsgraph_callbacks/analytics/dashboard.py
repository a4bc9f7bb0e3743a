"""The questions of the dashboard: the analytics' own, and those that only a page asks."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from examsgraph_callbacks.analytics.analytics import Analytics
from examsgraph_callbacks.analytics.answers import Period
from examsgraph_callbacks.analytics.dashboard_answers import (
    Choices,
    ConceptFailures,
    Concepts,
    Costs,
    ModelCost,
    Speed,
    SpeedThen,
    Spending,
    Spendings,
    StrangeExploration,
    StrangeExplorations,
)
from examsgraph_callbacks.analytics.rows import model_figures, rows_of, share

__all__ = ["DashboardQuestions"]

_EVER = Period()
_BY_HOUR = timedelta(days=3)
"""Periods up to so long are told by the hour, longer ones by the day."""

_MODELS, _CONCEPTS = 100, 1000


class DashboardQuestions(Analytics):
    """`Analytics`, and what a page that is looked at all day asks beyond it."""

    def spendings(self, now: datetime) -> Spendings:
        """What today and this month cost until `now`, against what learners pay; of everything there is."""
        from examsgraph_callbacks.analytics.questions.dashboard import spent

        local = now.astimezone(self._settings.time_zone)
        today = local.replace(hour=0, minute=0, second=0, microsecond=0)
        month = today.replace(day=1)
        days = monthrange(today.year, today.month)[1]
        price = self._settings.subscription_price_krw
        with self._open.question():
            # a little more, as files are left out by when their rows began
            tables = self._tables(Period(since=month), "calls")
            ((of_day,), (of_month,)) = (rows_of(spent(tables, since, month)) for since in (today, month))
        return Spendings(
            today=self._spending(of_day, today, of_day["month_learners"] * price / days),
            month=self._spending(of_month, month, of_month["month_learners"] * price),
            subscription_krw=price,
            month_days=days,
            month_gone=(local - month) / timedelta(days=days),
        )

    def costs(self, period: Period = _EVER) -> Costs:
        """What was spent in the course of time, model by model."""
        from examsgraph_callbacks.analytics.questions.dashboard import costs_in_time

        by = _unit(period)
        with self._open.question():
            rows = rows_of(costs_in_time(self._tables(period, "calls"), self._settings.time_zone, by))
        calls = sum(row["calls"] for row in rows)
        known = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
        cost = sum(known, Decimal(0)) if known else None
        return Costs(
            by=by,
            times=tuple(ModelCost(**self._began(_counted(row))) for row in rows),
            calls=calls,
            cost_usd=cost,
            cost_krw=self._krw(cost),
            unpriced_share=share(sum(row["unpriced_calls"] for row in rows), calls),
            estimated_share=share(sum(row["estimated_calls"] or 0 for row in rows), calls),
        )

    def speed(self, period: Period = _EVER) -> Speed:
        """How long calls took, and how many failed."""
        from examsgraph_callbacks.analytics.questions.dashboard import speed_in_all, speed_in_time
        from examsgraph_callbacks.analytics.questions.performance import models as models_of

        by = _unit(period)
        with self._open.question():
            tables = self._tables(period, "calls")
            times = rows_of(speed_in_time(tables, self._settings.time_zone, by))
            in_all = next(iter(rows_of(speed_in_all(tables))), {})
            models = tuple(model_figures(row) for row in rows_of(models_of(tables)))
        return Speed(
            by=by,
            times=tuple(SpeedThen(**self._began(row)) for row in times),
            models=models,
            calls=sum(model.calls for model in models),
            failed=sum(model.failed for model in models),
            latency_p50_ms=in_all.get("latency_p50_ms"),
            latency_p95_ms=in_all.get("latency_p95_ms"),
        )

    def concepts(self, limit: int = 10, period: Period = _EVER) -> Concepts:
        """The `limit` concepts that failed most, and how they were understood."""
        from examsgraph_callbacks.analytics.questions.understanding import understanding_by_concept

        with self._open.question():
            rows = rows_of(understanding_by_concept(self._tables(period, "feedback")))
        failing = [row for row in rows if row["concept"] is not None and row["failures"]]
        failing.sort(key=lambda row: (-row["failures"], row["concept"]))
        return Concepts(
            concepts=tuple(
                ConceptFailures(**{name: row[name] for name in ConceptFailures.model_fields})
                for row in failing[:limit]
            ),
            failures=sum(row["failures"] or 0 for row in rows),
            unattributed=sum(row["failures"] or 0 for row in rows if row["concept"] is None),
        )

    def strange_explorations(self, limit: int = 6, period: Period = _EVER) -> StrangeExplorations:
        """The newest `limit` explorations with anomalous hops."""
        from examsgraph_callbacks.analytics.questions.dashboard import strange_explorations, strange_share

        with self._open.question():
            tables = self._tables(period, "explorations")
            newest = rows_of(strange_explorations(tables, limit))
            (counted,) = rows_of(strange_share(tables))
        return StrangeExplorations(
            newest=tuple(
                StrangeExploration(**(row | {"started_at": row["started_at"].replace(tzinfo=UTC)}))
                for row in newest
            ),
            strange=counted["strange"] or 0,
            judged=counted["judged"],
        )

    def choices(self) -> Choices:
        """The models and concepts that there are."""
        from examsgraph_callbacks.analytics.questions.dashboard import concepts_named, models_called

        with self._open.question():
            tables = self._tables(_EVER)
            models = rows_of(models_called(tables, _MODELS))
            concepts = rows_of(concepts_named(tables, _CONCEPTS))
        return Choices(
            models=tuple(row["model"] for row in models),
            concepts=tuple(row["concept"] for row in concepts),
        )

    def _began(self, row: dict[str, Any]) -> dict[str, Any]:
        return row | {"began": row["began"].replace(tzinfo=self._settings.time_zone)}

    def _spending(self, row: dict[str, Any], since: datetime, income_krw: Decimal) -> Spending:
        cost_krw = self._krw(row["cost_usd"])
        return Spending(
            since=since.date(),
            calls=row["calls"],
            learners=row["learners"],
            cost_usd=row["cost_usd"],
            cost_krw=cost_krw,
            unpriced_calls=row["unpriced_calls"] or 0,
            estimated_calls=row["estimated_calls"] or 0,
            income_krw=income_krw,
            cost_share=None if cost_krw is None or not income_krw else float(cost_krw / income_krw),
        )


def _unit(period: Period) -> str:
    if period.since is None:
        return "day"
    until = period.until or datetime.now(UTC)
    return "hour" if until - period.since <= _BY_HOUR else "day"


def _counted(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"estimated_calls": row["estimated_calls"] or 0}
