"""Alerts as a person follows them: what is told and where, what is open, and what could not be sent."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread

from examsgraph_callbacks.alerts import (
    Channel,
    Round,
    Sent,
    Watch,
    configured_channels,
    follow_alerts,
    incidents,
    load_rules,
    open_state,
    open_watch,
    sample,
    unsettled,
)
from examsgraph_callbacks.alerts.rules import Rules
from examsgraph_callbacks.console.amounts import counted
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.deliver import shipping_status
from examsgraph_callbacks.deliver.links import mlflow_links
from examsgraph_callbacks.errors import AlreadyWatchingError, InvalidInputError
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.settings import current_settings

__all__ = ["alerts_beside", "list_alerts", "run_alerts", "send_sample"]

_NO_CHANNEL = "No channel is set: set EXAMSGRAPH_SLACK_WEBHOOK or EXAMSGRAPH_ALERT_URLS to be told elsewhere"


def run_alerts(
    journal: Journal,
    screen: Screen,
    wait: Callable[[float], bool] | None = None,
    tracking_uri: str | None = None,
    *,
    rules: Rules | None = None,
    meter: Meter | None = None,
) -> bool:
    """Look once, or with `wait` until it says to stop; whether no message had to be given up."""
    channels = configured_channels()
    if not channels:
        screen.warn(_NO_CHANNEL)
    everything_sent = True

    def tell(looked: Round) -> None:
        nonlocal everything_sent
        everything_sent = everything_sent and not looked.delivery.given_up
        _tell(looked, screen)

    with _watch(journal, channels, tracking_uri, rules, meter) as watch:
        if wait is not None:
            follow_alerts(watch, wait, tell)
            return everything_sent
        looked = watch.round()
        tell(looked)
        if not looked.notices:
            screen.say("Nothing new")
        if looked.delivery.waiting:
            screen.warn(f"{counted(looked.delivery.waiting, 'message')} could not be sent yet: run it again")
    return everything_sent


@contextmanager
def alerts_beside(
    journal: Journal,
    screen: Screen,
    wait: Callable[[float], bool],
    tracking_uri: str | None = None,
    *,
    meter: Meter | None = None,
) -> Iterator[None]:
    """The same in a thread for as long as the block runs, if any channel is set; `wait` has to end by then.

    A Slack that hangs so holds up no delivery to MLflow, nor does MLflow hold up an alert. Where another
    process sends this journal's alerts already, that one goes on.
    """
    channels = configured_channels()
    if not channels:
        yield
        return
    rules = load_rules(current_settings().alerts)

    def work() -> None:
        while True:
            try:
                with _watch(journal, channels, tracking_uri, rules, meter) as watch:
                    follow_alerts(watch, wait, lambda looked: _tell(looked, screen))
                    return
            except AlreadyWatchingError:
                """Until that one ends."""
            except Exception as error:  # noqa: BLE001 - a disk that is full now; delivery goes on meanwhile
                failures.report("watching for alerts", error)
            if wait(30.0):
                return

    thread = Thread(target=work, name="examsgraph alerts", daemon=True)
    thread.start()
    yield
    thread.join(timeout=15)


def send_sample(journal: Journal, screen: Screen, tracking_uri: str | None = None) -> bool:
    """Send a sample to each channel; whether every one took it. Raises `InvalidInputError` without any."""
    channels = configured_channels()
    if not channels:
        raise InvalidInputError(
            "expected a channel to send a sample to, none is set: set EXAMSGRAPH_SLACK_WEBHOOK or "
            "EXAMSGRAPH_ALERT_URLS"
        )
    notice, all_sent = sample(mlflow_links(journal, tracking_uri)("concept_confusion", "정규화")), True
    for channel in channels:
        outcome = channel.send(notice)
        if isinstance(outcome, Sent):
            screen.say(f"{channel.name}: sent")
        else:
            all_sent = False
            screen.fail(f"{channel.name}: {outcome.error}")
    return all_sent


def list_alerts(journal: Journal, screen: Screen, *, as_json: bool = False) -> None:
    """What is open, what was, and what was not sent."""
    if not journal.path.is_dir():
        raise InvalidInputError(f"expected a journal at {journal.path}, found nothing: name it by --journal")
    with open_state(journal.path) as state:
        known, messages = incidents(state.sql), unsettled(state)
    if as_json:
        found = {"incidents": [each._asdict() for each in known], "messages": [m._asdict() for m in messages]}
        screen.say(json.dumps(found, ensure_ascii=False, indent=2, default=_iso))
        return
    if not known:
        screen.say("No incident so far")
    for incident in known:
        until = "open" if incident.resolved_at is None else f"until {_moment(incident.resolved_at)}"
        screen.say(f"{incident.id:>4}  {_moment(incident.opened_at)}  {until}  {incident.title}")
    for message in messages:
        what = f"message {message.id} to {message.channel} about incident {message.incident_id}"
        why = f" (tried {message.attempts} times): {message.error}" if message.error else ""
        screen.warn(f"{what} {'waits' if message.state == 'pending' else 'was given up'}{why}")


@contextmanager
def _watch(
    journal: Journal,
    channels: Sequence[Channel],
    tracking_uri: str | None,
    rules: Rules | None,
    meter: Meter | None,
) -> Iterator[Watch]:
    settings = current_settings()

    def lag() -> timedelta | None:
        seconds = shipping_status(journal, tracking_uri)[0].oldest_undelivered_seconds
        return None if seconds is None else timedelta(seconds=seconds)

    with open_watch(
        journal,
        rules or load_rules(settings.alerts),
        channels,
        zone=settings.time_zone,
        meter=meter,
        link=mlflow_links(journal, tracking_uri),
        lag=lag,
    ) as watch:
        yield watch


def _tell(looked: Round, screen: Screen) -> None:
    for notice in looked.notices:
        screen.say(notice.headline)
    if looked.delivery.sent:
        screen.say(f"{counted(looked.delivery.sent, 'message')} sent")
    for message in looked.delivery.given_up:
        screen.fail(
            f"given up: message {message.id} to {message.channel} about incident {message.incident_id}: "
            f"{message.error}"
        )


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
