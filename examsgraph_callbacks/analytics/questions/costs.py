"""What learners cost: by user and month, and by hour and model."""

from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from examsgraph_callbacks.analytics.questions.clock import hour_began, month
from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["cost_by_hour", "monthly_costs"]


def monthly_costs(
    tables: Tables, zone: ZoneInfo, user_id: str | None = None, *, paid_usd: Decimal = Decimal(0)
) -> "ibis.Table":
    """One row: what users cost in calendar months of `zone`, added up, and over how many.

    `usd` over the `priced` months of users (those with a call that has a price), of `months` with calls of
    `users`; in `losing` of them a user cost more than `paid_usd`.
    """
    import ibis

    calls = tables.calls.filter(tables.calls.user_id.notnull())
    if user_id is not None:
        calls = calls.filter(calls.user_id == user_id)
    calls = calls.mutate(month=month(calls.started_at, zone))
    monthly = calls.group_by(["user_id", "month"]).aggregate(
        usd=calls.cost_usd.sum(),
        calls=calls.count(),
        unpriced=calls.cost_usd.isnull().cast("int64").sum(),
        estimated=calls.estimated.cast("int64").sum(),
    )
    return monthly.aggregate(
        usd=monthly.usd.sum(),
        priced=monthly.usd.count(),
        losing=(monthly.usd > ibis.literal(paid_usd, "decimal(38, 18)")).cast("int64").sum(),
        users=monthly.user_id.nunique(),
        months=monthly.count(),
        calls=monthly.calls.sum(),
        unpriced=monthly.unpriced.sum(),
        estimated=monthly.estimated.sum(),
    )


def cost_by_hour(tables: Tables, zone: ZoneInfo) -> "ibis.Table":
    """By the `hour` of the zone's clock (when it began, UTC) and `model`: `calls` and what they took."""
    import ibis

    model = ibis.coalesce(tables.calls.served_model, tables.calls.requested_model)
    calls = tables.calls.mutate(hour=hour_began(tables.calls.started_at, zone), model=model)
    hourly = calls.group_by(["hour", "model"]).aggregate(
        calls=calls.count(),
        cost_usd=calls.cost_usd.sum(),
        unpriced_calls=calls.cost_usd.isnull().cast("int64").sum(),
        # an embedding model writes nothing
        total_tokens=ibis.ifelse(
            calls.kind == "embedding_call", calls.input_tokens, calls.total_tokens
        ).sum(),
    )
    return hourly.order_by([hourly.hour, hourly.model])
