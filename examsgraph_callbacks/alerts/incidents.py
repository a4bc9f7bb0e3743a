"""An incident's life: it opens once, is told again after the cooldown, and ends with one message."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from sqlite3 import Connection
from typing import NamedTuple

from examsgraph_callbacks.alerts.judging import Finding, Look, usd
from examsgraph_callbacks.alerts.notices import Event, Example, Notice
from examsgraph_callbacks.alerts.rules import ConceptConfusion, DailyCost, Rule, Rules

__all__ = ["Incident", "Link", "incidents", "update_incidents"]

Link = Callable[[str, str], str | None]
"""The page in MLflow for a kind of rule and a subject; None where there is none."""

_EXAMPLES = 3


class Incident(NamedTuple):
    """A rule that was broken, from when to when (UTC); `resolved_at` is None while it is."""

    id: int
    rule: str
    subject: str
    title: str
    opened_at: datetime
    told_at: datetime
    clear_since: datetime | None
    resolved_at: datetime | None


def incidents(sql: Connection, *, open_only: bool = False, limit: int = 100) -> list[Incident]:
    """The incidents, those that are open first, the latest first."""
    where = "where resolved_at is null" if open_only else ""
    rows = sql.execute(
        f"select * from incident {where} order by resolved_at is not null, id desc limit ?",  # noqa: S608 - of two
        (-1 if open_only else limit,),
    )
    return [_incident(row) for row in rows.fetchall()]


def update_incidents(
    sql: Connection, findings: Iterable[Finding], rules: Rules, look: Look, link: Link
) -> Iterator[Notice]:
    """Open, tell again and close incidents as the findings say; what is to be told of each."""
    by_name = {rule.name: rule for rule in rules.rules}
    known = {(each.rule, each.subject): each for each in incidents(sql, open_only=True)}
    now, cost = look.now, _cost_so_far(sql, look.today)

    def notice(incident: Incident, event: Event) -> Notice:
        rule = by_name.get(incident.rule)
        return Notice(
            incident=incident.id,
            event=event,
            rule=incident.rule,
            subject=incident.subject,
            title=incident.title,
            opened_at=f"{incident.opened_at:%Y-%m-%d %H:%M} UTC",
            examples=_examples(sql, rule, incident.subject, with_content=rules.examples),
            cost=cost,
            link=None if rule is None else link(rule.kind, incident.subject),
        )

    for finding in findings:
        key = finding.rule.name, finding.subject
        before = known.pop(key, None)
        if before is None:
            if _was_told(sql, finding):
                continue
            before = _open(sql, finding, now)
            yield notice(before, "opened")
        elif finding.is_broken and now - before.told_at >= rules.cooldown:
            before = before._replace(told_at=now, title=finding.title)
            yield notice(before, "repeated")
        if finding.is_broken:
            changed = {"title": finding.title, "told_at": _text(before.told_at), "clear_since": None}
            _change(sql, before, changed)
        else:
            known[key] = before
    for clear in known.values():
        rule = by_name.get(clear.rule)
        wait = getattr(rule, "clear_for", None) or timedelta(0)
        since = clear.clear_since or now
        if now - since < wait:
            _change(sql, clear, {"clear_since": _text(since)})
            continue
        _change(sql, clear, {"clear_since": _text(since), "resolved_at": _text(now)})
        yield notice(clear, "resolved")


def _was_told(sql: Connection, finding: Finding) -> bool:
    """Whether an incident that is over had this already; a day's cost is told once, whatever comes late."""
    row = sql.execute(
        "select max(resolved_at) from incident where rule = ? and subject = ?",
        (finding.rule.name, finding.subject),
    ).fetchone()
    if row[0] is None:
        return False
    return isinstance(finding.rule, DailyCost) or finding.broken_at <= datetime.fromisoformat(row[0])


def _open(sql: Connection, finding: Finding, now: datetime) -> Incident:
    number = sql.execute(
        "insert into incident (rule, subject, title, opened_at, told_at) values (?, ?, ?, ?, ?)",
        (finding.rule.name, finding.subject, finding.title, _text(now), _text(now)),
    ).lastrowid
    return Incident(number or 0, finding.rule.name, finding.subject, finding.title, now, now, None, None)


def _change(sql: Connection, incident: Incident, values: dict[str, str | None]) -> None:
    names = ", ".join(f"{name} = ?" for name in values)
    sql.execute(f"update incident set {names} where id = ?", (*values.values(), incident.id))  # noqa: S608


def _examples(sql: Connection, rule: Rule | None, concept: str, *, with_content: bool) -> tuple[Example, ...]:
    if not isinstance(rule, ConceptConfusion):
        return ()
    # of each question the latest, so that three are three questions
    rows = sql.execute(
        "select score, question_id, question, said, max(minute) from example where concept = ? and "
        "score <= ? "
        "group by ifnull(question_id, event_id) order by max(minute) desc, event_id limit ?",
        (concept, rule.understanding, _EXAMPLES),
    ).fetchall()
    return tuple(
        Example(
            score=score,
            question_id=question_id,
            question=question if with_content else None,
            said=said if with_content else None,
        )
        for score, question_id, question, said, _ in rows
    )


def _cost_so_far(sql: Connection, today: int) -> str:
    row = sql.execute(
        "select usd, matching, total from tally where measure = 'usd' and subject = '' and slot = ?", (today,)
    ).fetchone()
    day = date.fromordinal(today).isoformat()
    if row is None:
        return f"Cost of {day} so far: no calls"
    rest = f"; {row[1]} of them have no price and are not in it" if row[1] else ""
    return f"Cost of {day} so far: {usd(Decimal(row[0]))} for {row[2]} calls{rest}"


def _incident(row: tuple[object, ...]) -> Incident:
    number, rule, subject, title, *moments = row
    opened_at, told_at, clear_since, resolved_at = (
        None if moment is None else datetime.fromisoformat(str(moment)) for moment in moments
    )
    assert isinstance(number, int) and opened_at and told_at  # noqa: S101, PT018 - the table's own columns
    return Incident(number, str(rule), str(subject), str(title), opened_at, told_at, clear_since, resolved_at)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
