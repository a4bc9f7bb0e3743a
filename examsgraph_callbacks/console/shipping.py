"""Shipping as a person follows it: a bar, what arrived where, and how to look at it."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from examsgraph_callbacks.console.amounts import counted
from examsgraph_callbacks.console.empty import empty_journal
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.deliver import (
    GRACE,
    ShippingStatus,
    ShipReport,
    default_tracking_uri,
    follow_in_turn,
    ship,
    ui_command,
)
from examsgraph_callbacks.errors import DeliveryError
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.torn import torn_files
from examsgraph_callbacks.measure import Meter

__all__ = ["follow_with_progress", "ship_with_progress", "show_shipped", "show_status", "status_as_json"]

_PATIENCE = timedelta(seconds=30)
"""How long to wait for a shipper in the background, which seldom ships for longer at a time."""

_TELL_AGAIN_SECONDS = 60.0


def ship_with_progress(
    journal: Journal,
    screen: Screen,
    tracking_uri: str | None = None,
    *,
    flush: bool = False,
    meter: Meter | None = None,
) -> ShipReport:
    """`deliver.ship` under a bar; `flush` delivers unfinished turns too, however young.

    Raises what `ship` raises, and `InvalidInputError` where there never was a fact to ship.
    """
    if not journal.segments():
        raise empty_journal(journal)
    with screen.progress("Shipping to MLflow") as advance:

        def on_progress(shipped: ShipReport) -> None:
            advance(shipped.traces)

        grace = timedelta(0) if flush else GRACE
        return ship(journal, tracking_uri, on_progress, meter=meter, grace=grace, patience=_PATIENCE)


def follow_with_progress(
    journal: Journal,
    screen: Screen,
    wait: Callable[[float], bool],
    tracking_uri: str | None = None,
    *,
    meter: Meter | None = None,
) -> None:
    """`deliver.follow_in_turn` under a bar; a failure is told once a minute at most."""
    told_at = float("-inf")

    def on_failure(error: DeliveryError) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _TELL_AGAIN_SECONDS:
            told_at = time.monotonic()
            screen.warn(f"{error}; trying again")

    with screen.progress("Shipping to MLflow") as advance:

        def on_progress(shipped: ShipReport) -> None:
            advance(shipped.traces)

        def on_other() -> None:
            screen.say("Another process ships this journal there by itself; waiting to take over from it")

        follow_in_turn(
            journal,
            tracking_uri,
            wait=wait,
            on_other=on_other,
            on_progress=on_progress,
            on_failure=on_failure,
            meter=meter,
        )


def show_status(statuses: Sequence[ShippingStatus], journal: Journal, screen: Screen) -> None:
    """How far the journal is shipped, destination by destination, and what of it a crash cut short."""
    for status in statuses:
        screen.say(status.tracking_uri)
        for name, value in _lines(status):
            screen.say(f"  {name:<20} {value}")
        if status.error is not None:
            screen.warn(f"  {'failed':<20} {_moment(status.failed_at)}: {status.error}")
    if torn := torn_files(journal.path):
        screen.warn(
            f"{counted(len(torn), 'torn line')}, cut short when a process was killed or lost its disk; "
            f"what came is kept in {journal.path / '*.torn'}",
        )


def status_as_json(statuses: Sequence[ShippingStatus]) -> str:
    """The same as JSON: a list of objects, times as ISO 8601 (UTC)."""
    return json.dumps([asdict(status) for status in statuses], ensure_ascii=False, indent=2, default=_iso)


def show_shipped(
    shipped: ShipReport, journal: Journal, screen: Screen, tracking_uri: str | None = None
) -> None:
    """What arrived where, and the one command that opens MLflow on it."""
    screen.say(f"{shipped.traces} traces and {shipped.runs} path runs went to {shipped.tracking_uri}")
    others = [f"{runs} in {experiment}" for experiment, runs in shipped.view_runs.items() if runs]
    if others:
        screen.say(f"New runs besides: {', '.join(others)}")
    if shipped.incomplete:
        screen.warn(f"{shipped.incomplete} of the traces never ended; they say so.")
    if shipped.facts_pending:
        screen.warn(
            f"{shipped.facts_pending} facts wait for their turn to end: "
            "ship again later, or now with --flush.",
        )
    if shipped.set_aside:
        screen.warn(
            f"{shipped.set_aside} facts could not be delivered; they are set aside, each with the reason, in "
            f"{shipped.dead_letters}",
        )
    screen.say(
        "Look at it in MLflow (traces of ExamsGraph under GenAI, runs under Model training, top left):"
    )
    screen.command(ui_command(tracking_uri or default_tracking_uri(journal.path)))


def _lines(status: ShippingStatus) -> list[tuple[str, str]]:
    age = status.oldest_undelivered_seconds
    waiting = (
        f", {status.facts_waiting:,} of them waiting for their turn to end" if status.facts_waiting else ""
    )
    return [
        ("shipped by itself", "yes" if status.shipping else "not at this moment"),
        ("last delivery", "never" if status.delivered_at is None else _moment(status.delivered_at)),
        ("facts behind", f"{status.facts_behind:,}{waiting}"),
        ("bytes behind", f"{status.bytes_behind:,}"),
        ("oldest of them", "none" if age is None else f"{timedelta(seconds=round(age))} ago"),
        ("dead letters", f"{status.dead_letters:,}"),
    ]


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
