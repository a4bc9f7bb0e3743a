"""Hours and months by the clock of a zone, which engines know only as so many hours beside UTC."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from examsgraph_callbacks.analytics.answers import Period

if TYPE_CHECKING:
    import ibis

__all__ = ["clock_time", "hour_began", "in_period", "month", "naive"]

_FIRST, _LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)


def in_period(table: "ibis.Table", period: Period) -> "ibis.Table":
    """The rows that began in `period`."""
    if period.since is not None:
        table = table.filter(table.started_at >= naive(period.since))
    if period.until is not None:
        table = table.filter(table.started_at < naive(period.until))
    return table


def naive(moment: datetime) -> datetime:
    """A moment as the tables hold it: UTC, without saying so; one without a zone is taken to be UTC."""
    return (
        moment.replace(tzinfo=None) if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    )


def month(moment: "ibis.expr.types.TimestampValue", zone: ZoneInfo) -> "ibis.expr.types.TimestampValue":
    """The beginning of the month by the zone's clock, as that clock tells it."""
    return clock_time(moment, zone).truncate("M")


def clock_time(moment: "ibis.expr.types.TimestampValue", zone: ZoneInfo) -> "ibis.expr.types.TimestampValue":
    """What the zone's clock shows at that moment."""
    return moment + _beside_utc(moment, zone)


def hour_began(moment: "ibis.expr.types.TimestampValue", zone: ZoneInfo) -> "ibis.expr.types.TimestampValue":
    """When the hour of the zone's clock began, in UTC."""
    beside = _beside_utc(moment, zone)
    return (moment + beside).truncate("h") - beside


def _beside_utc(moment: "ibis.expr.types.TimestampValue", zone: ZoneInfo) -> "ibis.expr.types.IntervalValue":
    import ibis

    offsets = _offsets(zone)
    last = ibis.interval(minutes=offsets[-1][1])
    if len(offsets) == 1:
        return last
    until = [(moment < naive(begin), minutes) for (_, minutes), (begin, _) in pairwise(offsets)]
    return ibis.cases(*until, else_=offsets[-1][1]).as_interval("m")


def _offsets(zone: ZoneInfo) -> list[tuple[datetime, int]]:
    """From when on (UTC) the zone's clock is so many minutes beside UTC."""
    found = [(_FIRST, _minutes(_FIRST, zone))]
    day = _FIRST
    while day < _LAST:
        following = day + timedelta(days=1)
        if _minutes(following, zone) != _minutes(day, zone):
            early, late = day, following
            while late - early > timedelta(minutes=1):
                middle = early + (late - early) // 2
                same = _minutes(middle, zone) == _minutes(day, zone)
                early, late = (middle, late) if same else (early, middle)
            found.append((late.replace(second=0, microsecond=0), _minutes(following, zone)))
        day = following
    return found


def _minutes(moment: datetime, zone: ZoneInfo) -> int:
    offset = moment.astimezone(zone).utcoffset() or timedelta(0)
    return offset // timedelta(minutes=1)
