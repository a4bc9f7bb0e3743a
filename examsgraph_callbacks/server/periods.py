"""The times that questions are narrowed to, as a query names them."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator

from examsgraph_callbacks.analytics.answers import Period
from examsgraph_callbacks.server.refusals import refusal_of_field
from examsgraph_callbacks.tracker import Problem

__all__ = ["Since", "Until", "period_of"]


def _no_number(value: object) -> object:
    # pydantic would take it for seconds since 1970
    if isinstance(value, str) and not _DATED.match(value):
        raise ValueError("a time such as 2025-01-15T10:30:00+09:00, or a day such as 2025-01-15")
    return value


_DATED = re.compile(r"\d{4}-\d{2}-\d{2}")
_ZONE = "in the configured zone where it has no offset"

Since = Annotated[
    datetime | None, BeforeValidator(_no_number), Query(description=f"From this time on, {_ZONE}.")
]
Until = Annotated[
    datetime | None, BeforeValidator(_no_number), Query(description=f"Before this time, {_ZONE}.")
]


def period_of(since: datetime | None, until: datetime | None, zone: tzinfo) -> Period:
    """The period; raises the `Refusal` that is due to one that ends before it begins."""
    period = Period(since=_utc("since", since, zone), until=_utc("until", until, zone))
    if period.since is not None and period.until is not None and period.since >= period.until:
        came = period.until.isoformat()
        raise refusal_of_field(Problem("until", came, f"later than since, {period.since.isoformat()}"))
    return period


def _utc(name: str, moment: datetime | None, zone: tzinfo) -> datetime | None:
    if moment is None:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise refusal_of_field(
            Problem(name, moment.isoformat(), "a time from year 1 to 9999 in UTC")
        ) from None
