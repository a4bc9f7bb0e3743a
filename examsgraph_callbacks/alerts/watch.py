"""Watching a journal: what is new is counted and judged, what breaks a rule is told, round by round."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from examsgraph_callbacks.alerts.channels import Channel
from examsgraph_callbacks.alerts.counting import Counted, count_new, day_of, minute_of
from examsgraph_callbacks.alerts.forgetting import COUNTED
from examsgraph_callbacks.alerts.incidents import Link, update_incidents
from examsgraph_callbacks.alerts.judging import Look, judge
from examsgraph_callbacks.alerts.notices import Notice
from examsgraph_callbacks.alerts.outbox import Delivery, deliver, enqueue, forget_examples
from examsgraph_callbacks.alerts.rules import Rules
from examsgraph_callbacks.alerts.state import LOCK, State, open_state
from examsgraph_callbacks.background.locks import sole_follower
from examsgraph_callbacks.errors import AlreadyWatchingError
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import forgotten_mark
from examsgraph_callbacks.journal.tail import Tail
from examsgraph_callbacks.measure import Meter, configured_meter

__all__ = ["POLL_SECONDS", "Round", "Watch", "follow_alerts", "open_watch"]

POLL_SECONDS = 5.0
"""How often the journal is looked at."""

_JUDGE_ANYWAY = timedelta(seconds=30)
_CLEAN_EVERY = timedelta(hours=1)


class Round(NamedTuple):
    """What one look came to: what is to be told since, and what was sent."""

    notices: tuple[Notice, ...]
    delivery: Delivery


class Watch:
    """The rules over a journal, with all state in the open `state`; made by `open_watch`.

    A round reads what is new from where the last one ended, and notes in one transaction how far it got,
    what it counted, incidents and messages: a kill loses none of it and counts nothing twice. Facts older
    than the rules' horizon are passed over. Prices, policy, time zone or a learner who was forgotten change
    what was counted: it is then counted anew from the journal.
    """

    def __init__(
        self,
        journal: Journal,
        state: State,
        rules: Rules,
        channels: Sequence[Channel],
        *,
        zone: ZoneInfo,
        meter: Meter | None = None,
        link: Link = lambda _kind, _subject: None,
        lag: Callable[[], timedelta | None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal = journal
        self._state = state
        self._rules = rules
        self._channels = channels
        self._zone = zone
        self._meter = meter or configured_meter()
        self._link = link
        self._lag = lag
        self._now = now
        self._tail: Tail | None = None
        self._judged_at: datetime | None = None
        self._cleaned_at: datetime | None = None

    def round(self) -> Round:
        """Look once, and send what is due."""
        try:
            notices = self._look()
        except BaseException:
            self._tail = None  # it read further than what was noted
            raise
        return Round(notices, deliver(self._state, self._channels, self._now))

    def _look(self) -> tuple[Notice, ...]:
        now = self._now()
        lag = self._lag() if any(rule.kind == "shipper_lag" for rule in self._rules.rules) else None
        since = now - self._rules.horizon
        with self._state.transaction() as sql:
            anew = self._begin_anew_if_changed()
            if self._tail is None:
                places = dict(sql.execute("select segment, offset from place").fetchall())
                self._tail = Tail(self._journal, places)
            before = dict(self._tail.offsets)
            counted = count_new(sql, self._tail.new(since), self._meter, self._zone, since)
            self._note_places(before)
            notices: tuple[Notice, ...] = ()
            if counted.facts or self._is_time(now):
                self._judged_at = now
                notices = self._judge(None if anew else counted, now, lag)
                enqueue(self._state, notices, self._channels, now)
                self._clean(now, since)
        return notices

    def _judge(self, counted: Counted | None, now: datetime, lag: timedelta | None) -> tuple[Notice, ...]:
        sql, look = self._state.sql, Look(now, day_of(now, self._zone), counted, lag)
        findings = list(judge(sql, self._rules, look))
        return tuple(update_incidents(sql, findings, self._rules, look, self._link))

    def _begin_anew_if_changed(self) -> bool:
        """Whether what was counted no longer holds; moments that are past are then not judged again."""
        sql = self._state.sql
        mark = f"{self._zone}; {self._meter.version}; {forgotten_mark(self._journal.path)}"
        row = sql.execute("select value from known where name = 'counted by'").fetchone()
        if row is not None and row[0] == mark:
            return False
        sql.execute("insert or replace into known values ('counted by', ?)", (mark,))
        for table in COUNTED:
            sql.execute(f"delete from {table}")  # noqa: S608 - of five
        forget_examples(self._state)
        self._tail = None
        return row is not None

    def _note_places(self, before: dict[str, int]) -> None:
        after = {} if self._tail is None else self._tail.offsets
        sql = self._state.sql
        changed = [(name, offset) for name, offset in after.items() if before.get(name) != offset]
        sql.executemany("insert or replace into place values (?, ?)", changed)
        sql.executemany(
            "delete from place where segment = ?", [(name,) for name in before if name not in after]
        )

    def _is_time(self, now: datetime) -> bool:
        # a clock that was set back must not hold it up
        return self._judged_at is None or not timedelta(0) <= now - self._judged_at < _JUDGE_ANYWAY

    def _clean(self, now: datetime, since: datetime) -> None:
        if self._cleaned_at is not None and timedelta(0) <= now - self._cleaned_at < _CLEAN_EVERY:
            return
        self._cleaned_at = now
        sql, minute = self._state.sql, minute_of(since)
        for table in ("turn", "question", "example"):
            sql.execute(f"delete from {table} where minute < ?", (minute,))  # noqa: S608 - of three
        days = ("usd", "usd_user", "usd_model")
        sql.execute(
            "delete from tally where measure in (?, ?, ?) and slot < ?", (*days, day_of(since, self._zone))
        )
        sql.execute("delete from tally where measure not in (?, ?, ?) and slot < ?", (*days, minute))
        old = (now - timedelta(days=90)).isoformat()
        sql.execute("delete from message where settled_at < ?", (old,))
        sql.execute("delete from incident where resolved_at < ?", (old,))


@contextmanager
def open_watch(
    journal: Journal,
    rules: Rules,
    channels: Sequence[Channel],
    *,
    zone: ZoneInfo,
    meter: Meter | None = None,
    link: Link = lambda _kind, _subject: None,
    lag: Callable[[], timedelta | None] = lambda: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Watch]:
    """The only watch over `journal`, for as long as the block lasts.

    `link` and `lag` are asked as `Link` and `judge` say. Raises `AlreadyWatchingError` where another process
    has it, and `InvalidInputError` where its state cannot be kept.
    """
    with open_state(journal.path) as state, sole_follower(state.path.with_name(LOCK)) as alone:
        if not alone:
            raise AlreadyWatchingError(
                f"expected to be the only one that sends the alerts of {journal.path}, another process does: "
                "leave it to that one, or stop it"
            )
        yield Watch(journal, state, rules, channels, zone=zone, meter=meter, link=link, lag=lag, now=now)


def follow_alerts(
    watch: Watch, wait: Callable[[float], bool], on_round: Callable[[Round], None] = lambda _round: None
) -> None:
    """Round after round until `wait(seconds)` says to stop; one that fails is reported and tried again."""
    while True:
        try:
            on_round(watch.round())
        except Exception as error:  # noqa: BLE001 - a disk that is full now, a file that is locked
            failures.report("watching for alerts", error)
        if wait(POLL_SECONDS):
            return
