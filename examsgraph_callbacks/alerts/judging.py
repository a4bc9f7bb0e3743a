"""Holds what was counted against the rules: which are broken now, and which were since the last look."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from sqlite3 import Connection

from examsgraph_callbacks.alerts.counting import Counted, minute_of
from examsgraph_callbacks.alerts.rules import (
    ConceptConfusion,
    DailyCost,
    Rate,
    Rule,
    Rules,
    ShipperLag,
    UnpricedCalls,
)

__all__ = ["Finding", "Look", "judge", "usd"]

_COST_MEASURES = {"day": "usd", "user": "usd_user", "model": "usd_model"}
_RATES = {
    "misroute_rate": ("calls went to a model that their task may not use", "judged calls"),
    "stray_hop_rate": ("hops on paths strayed below the threshold", "followed hops"),
    "error_rate": ("calls failed", "calls"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule and a subject of it that breaks it, or did.

    `subject` is a concept, user or model, empty where there is only one; of a daily cost the day stands
    before it. `is_broken` says whether it does now, `broken_at` when it last did.
    """

    rule: Rule
    subject: str
    title: str
    is_broken: bool
    broken_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """The moment of judging: `now`, and the ordinal of `today` by the zone's clock.

    `counted` tells what was added since the last look, whose every moment is judged too; None judges `now`
    alone. `lag` is the age of the oldest fact that was not delivered to MLflow, None where there is none.
    """

    now: datetime
    today: int
    counted: Counted | None = None
    lag: timedelta | None = None


def judge(sql: Connection, rules: Rules, look: Look) -> Iterator[Finding]:
    """Every rule and subject that breaks it, at this look or since the one before."""
    for rule in rules.rules:
        if isinstance(rule, DailyCost):
            yield from _costs(sql, rule, look)
        elif isinstance(rule, ShipperLag):
            yield from _lagging(rule, look)
        else:
            yield from _windows(sql, rule, look)


def _lagging(rule: ShipperLag, look: Look) -> Iterator[Finding]:
    if look.lag is not None and look.lag > rule.longest:
        minutes = int(look.lag.total_seconds() // 60)
        title = f"MLflow is {minutes} minutes behind the journal (more than {_told(rule.longest)})"
        yield Finding(rule, "", title, is_broken=True, broken_at=look.now)


def _windows(sql: Connection, rule: ConceptConfusion | Rate | UnpricedCalls, look: Look) -> Iterator[Finding]:
    measures = _measures(rule)
    touched: dict[str, set[int]] = defaultdict(set)
    for (measure, subject), slots in _touched(look).items():
        if measure in measures:
            touched[subject] |= slots
    current, length = minute_of(look.now), int(rule.window.total_seconds() // 60)
    earliest = min([current, *(min(slots) for slots in touched.values())]) - length
    marks = ", ".join("?" * len(measures))
    rows = sql.execute(
        f"select subject, slot, sum(matching), sum(total) from tally where measure in ({marks}) "  # noqa: S608 - marks only
        "and slot > ? group by subject, slot order by subject, slot",
        (*measures, earliest),
    )
    series: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for subject, slot, matching, total in rows:
        series[subject].append((slot, matching, total))
    for subject, of_subject in series.items():
        sums = list(_sliding(of_subject, sorted({*touched[subject], current}), length))
        broken = [(slot, found) for slot, *found in sums if _breaks(rule, *found)]
        if not broken:
            continue
        at_now = [each for each in broken if each[0] == current]
        slot, (matching, total) = (at_now or broken)[-1]
        moment = look.now if at_now else datetime.fromtimestamp(slot * 60, UTC)
        title = _title(rule, subject, matching, total)
        yield Finding(rule, subject, title, is_broken=bool(at_now), broken_at=moment)


def _sliding(
    slots: list[tuple[int, int, int]], ends: list[int], length: int
) -> Iterator[tuple[int, int, int]]:
    """At each end, in order: what the window of so many slots up to it holds."""
    first = last = matching = total = 0
    for end in ends:
        while last < len(slots) and slots[last][0] <= end:
            matching, total, last = matching + slots[last][1], total + slots[last][2], last + 1
        while first < last and slots[first][0] <= end - length:
            matching, total, first = matching - slots[first][1], total - slots[first][2], first + 1
        yield end, matching, total


def _measures(rule: ConceptConfusion | Rate | UnpricedCalls) -> tuple[str, ...]:
    if isinstance(rule, ConceptConfusion):
        return tuple(f"understanding_{score}" for score in range(1, rule.understanding + 1))
    return ("unpriced",) if isinstance(rule, UnpricedCalls) else (rule.kind,)


def _breaks(rule: ConceptConfusion | Rate | UnpricedCalls, matching: int, total: int) -> bool:
    if isinstance(rule, Rate):
        return total >= rule.at_least and matching > rule.share * total
    return matching >= rule.count


def _title(rule: ConceptConfusion | Rate | UnpricedCalls, subject: str, matching: int, total: int) -> str:
    within = f"within {_told(rule.window)}"
    if isinstance(rule, ConceptConfusion):
        return f"{subject}: understood at {rule.understanding} or less {matching} times {within}"
    if isinstance(rule, UnpricedCalls):
        return f"{matching} calls of {subject} have no price {within}: what they cost is not known"
    what, of = _RATES[rule.kind]
    share = matching / total
    return f"{share:.1%} of {total} {of}: {matching} {what} {within} (more than {rule.share:.1%})"


def _costs(sql: Connection, rule: DailyCost, look: Look) -> Iterator[Finding]:
    measure = _COST_MEASURES[rule.per]
    days = {look.today}
    for (touched, _), slots in _touched(look).items():
        if touched == measure:
            days |= slots
    for day in sorted(days):
        rows = sql.execute(
            "select subject, matching, usd from tally where measure = ? and slot = ?", (measure, day)
        )
        for subject, unpriced, text in rows.fetchall():
            cost = Decimal(text)
            if cost > rule.usd:
                told = date.fromordinal(day).isoformat()
                whose = {"day": "", "user": f" by user {subject}", "model": f" of {subject}"}[rule.per]
                rest = f"; {unpriced} calls without a price are not in it" if unpriced else ""
                title = f"{told} cost {usd(cost)}{whose}, more than {usd(rule.usd)}{rest}"
                key = f"{told} {subject}".strip()
                # a day that is over is told once, and closed
                yield Finding(rule, key, title, is_broken=day >= look.today, broken_at=look.now)


def _touched(look: Look) -> dict[tuple[str, str], set[int]]:
    return look.counted.touched if look.counted else {}


def usd(amount: Decimal) -> str:
    """An amount as messages show it: cents, and for less than a cent what there is."""
    return f"${amount:,.2f}" if amount >= Decimal("0.01") or not amount else f"${amount:f}"


def _told(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds % length == 0 and seconds >= length and not (unit == "d" and seconds == length):
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
