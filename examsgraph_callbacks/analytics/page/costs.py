"""The costs of the page: day by day, and by the hour of the day."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from examsgraph_callbacks.analytics.answers import Overview
from examsgraph_callbacks.analytics.page.amounts import usd
from examsgraph_callbacks.analytics.page.charts import COLOURS, Column, columns, legend

__all__ = ["cost_charts"]

_DAYS_SHOWN = 120


def cost_charts(overview: Overview) -> Iterator[str]:
    """Cost by day and model, the dearest at the bottom, and by the hour of the clock."""
    hours = overview.cost_by_hour.hours
    by_model: defaultdict[str, Decimal] = defaultdict(Decimal)
    by_day: defaultdict[date, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    by_clock: defaultdict[int, Decimal] = defaultdict(Decimal)
    for each in hours:
        model, cost = each.model or "(unknown model)", each.cost_usd or Decimal(0)
        by_model[model] += cost
        by_day[each.hour.date()][model] += cost
        by_clock[each.hour.hour] += cost
    if not by_day:
        return
    models = sorted(by_model, key=lambda model: (-by_model[model], model))
    days = _days(min(by_day), max(by_day))
    yield "<h2>Cost by day</h2>"
    yield legend([f"{model} {usd(by_model[model])}" for model in models[: len(COLOURS)]])
    highest = max(sum(each.values(), Decimal(0)) for each in by_day.values())
    yield columns(
        [
            Column(
                f"{day:%m-%d}",
                tuple(float(by_day[day][model]) for model in models),
                f"{day}: {usd(sum(by_day[day].values(), Decimal(0)))}",
            )
            for day in days
        ],
        usd(highest),
    )
    if len(days) == _DAYS_SHOWN:
        yield f"<p class=soft>The last {_DAYS_SHOWN} days.</p>"
    yield "<h2>Cost by hour of the day</h2>"
    yield columns(
        [
            Column(f"{hour}", (float(by_clock[hour]),), f"{hour}:00 to {hour}:59: {usd(by_clock[hour])}")
            for hour in range(24)
        ],
        usd(max(by_clock.values())),
    )


def _days(first: date, last: date) -> list[date]:
    """Every day, also those without a call, at most the last `_DAYS_SHOWN`."""
    first = max(first, last - timedelta(days=_DAYS_SHOWN - 1))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
