"""The outbox: what is to be told, until each channel took it or it is too late to matter."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from examsgraph_callbacks.alerts.channels import Channel
from examsgraph_callbacks.alerts.notices import Notice
from examsgraph_callbacks.alerts.outcome import Later, Outcome, Refused
from examsgraph_callbacks.alerts.state import State

__all__ = ["GIVE_UP_AFTER", "Delivery", "Message", "deliver", "enqueue", "forget_examples", "unsettled"]

GIVE_UP_AFTER = timedelta(hours=24)
"""A message that no try got through for so long is given up; an incident that lasts is told again anyway."""

_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=5)


class Message(NamedTuple):
    """A message that waits (`pending`) or was `given_up`; `error` is its last try's."""

    id: int
    channel: str
    incident_id: int
    event: str
    state: str
    attempts: int
    error: str | None
    made_at: datetime


class Delivery(NamedTuple):
    """What one round of sending came to; `given_up` are those of this round."""

    sent: int
    waiting: int
    given_up: tuple[Message, ...]


def enqueue(state: State, notices: Iterable[Notice], channels: Sequence[Channel], now: datetime) -> int:
    """Put each notice in the outbox for each channel, within the caller's transaction; how many notices."""
    count = 0
    for notice in notices:
        count += 1
        state.sql.executemany(
            "insert into message (channel, incident_id, event, notice, state, made_at) "
            "values (?, ?, ?, ?, 'pending', ?)",
            [
                (channel.name, notice.incident, notice.event, notice.model_dump_json(), _text(now))
                for channel in channels
            ],
        )
    return count


def deliver(state: State, channels: Sequence[Channel], now: Callable[[], datetime]) -> Delivery:
    """Send what is due, oldest first; a channel that fails is left alone for a while.

    A message is noted as delivered after the channel took it: whoever is killed in between sends it
    again. A channel's `Retry-After` is kept to, and outlives this process.
    """
    sent, given_up = 0, list[Message]()
    for channel in channels:
        if not _is_due(state, channel, now()):
            continue
        for message, notice in _pending(state, channel.name):
            outcome = channel.send(Notice.model_validate_json(notice))
            refused = _settle(state, channel.name, message, outcome, now())
            given_up += [refused] if refused else []
            if isinstance(outcome, Later):
                break
            sent += refused is None
    given_up += _of_no_channel(state, channels, now())
    waiting = state.sql.execute("select count(*) from message where state = 'pending'").fetchone()[0]
    return Delivery(sent, waiting, tuple(given_up))


def unsettled(state: State) -> list[Message]:
    """The messages that wait, and those that were given up, the latest first."""
    rows = state.sql.execute(
        "select id, channel, incident_id, event, state, attempts, error, made_at from message "
        "where state != 'delivered' order by id desc"
    )
    return [_message(row) for row in rows.fetchall()]


def forget_examples(state: State) -> None:
    """Take learners' words out of what still waits, within the caller's transaction."""
    rows = state.sql.execute("select id, notice from message where notice is not null").fetchall()
    for number, text in rows:
        notice = Notice.model_validate_json(text).model_copy(update={"examples": ()})
        state.sql.execute("update message set notice = ? where id = ?", (notice.model_dump_json(), number))


def _is_due(state: State, channel: Channel, now: datetime) -> bool:
    row = state.sql.execute("select next_try_at from channel where name = ?", (channel.name,)).fetchone()
    if row is None:
        return True
    # a clock that was set back must not hold it up for longer than any pause
    return not now < datetime.fromisoformat(row[0]) <= now + GIVE_UP_AFTER


def _pending(state: State, channel: str) -> list[tuple[Message, str]]:
    rows = state.sql.execute(
        "select id, channel, incident_id, event, state, attempts, error, made_at, notice from message "
        "where channel = ? and state = 'pending' order by id",
        (channel,),
    ).fetchall()
    return [(_message(row[:-1]), row[-1]) for row in rows]


def _of_no_channel(state: State, channels: Sequence[Channel], now: datetime) -> list[Message]:
    """Give up what waited too long for a channel that is configured no more."""
    names = {channel.name for channel in channels}
    late = [each for each in unsettled(state) if each.state == "pending" and each.channel not in names]
    gone = Later("this channel is not configured any more")
    settled = [_settle(state, each.channel, each, gone, now) for each in late if _is_late(each, now)]
    return [each for each in settled if each is not None]


def _is_late(message: Message, now: datetime) -> bool:
    return now - message.made_at >= GIVE_UP_AFTER


def _settle(state: State, channel: str, message: Message, outcome: Outcome, now: datetime) -> Message | None:
    """Note what became of a message; it comes back if it is given up."""
    with state.transaction() as sql:
        if isinstance(outcome, Later):
            _pause(state, channel, outcome, now)
        else:
            sql.execute("delete from channel where name = ?", (channel,))
        too_late = isinstance(outcome, Later) and _is_late(message, now)
        if isinstance(outcome, Later) and not too_late:
            sql.execute(
                "update message set attempts = attempts + 1, error = ? where id = ?",
                (outcome.error, message.id),
            )
            return None
        error = outcome.error if isinstance(outcome, (Later, Refused)) else None
        settled = "delivered" if error is None else "given_up"
        # learners' words are kept no longer than they are needed
        sql.execute(
            "update message set state = ?, error = ?, attempts = attempts + 1, settled_at = ?, notice = null "
            "where id = ?",
            (settled, error, _text(now), message.id),
        )
    return None if error is None else message._replace(state=settled, error=error)


def _pause(state: State, channel: str, outcome: Later, now: datetime) -> None:
    row = state.sql.execute("select failures from channel where name = ?", (channel,)).fetchone()
    failures = row[0] if row else 0
    pause = min(_FIRST_PAUSE * 2 ** min(failures, 10), _LONGEST_PAUSE)
    if outcome.after_seconds is not None:
        # bounded before it is a duration, which not every number can be
        wanted = timedelta(seconds=min(outcome.after_seconds, GIVE_UP_AFTER.total_seconds()))
        pause = max(pause, wanted)
    state.sql.execute(
        "insert or replace into channel values (?, ?, ?)", (channel, _text(now + pause), failures + 1)
    )


def _message(row: Sequence[object]) -> Message:
    number, channel, incident, event, settled, attempts, error, made_at = row
    return Message(
        int(str(number)),
        str(channel),
        int(str(incident)),
        str(event),
        str(settled),
        int(str(attempts)),
        None if error is None else str(error),
        datetime.fromisoformat(str(made_at)),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
