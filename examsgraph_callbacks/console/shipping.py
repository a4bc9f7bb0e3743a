"""Shipping as a person follows it: a bar, what arrived where, and how to look at it."""

from datetime import timedelta

from examsgraph_callbacks.console.empty import empty_journal
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.deliver import GRACE, ShipReport, default_tracking_uri, ship, ui_command
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter

__all__ = ["ship_with_progress", "show_shipped"]


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
        return ship(journal, tracking_uri, on_progress, meter=meter, grace=grace)


def show_shipped(
    shipped: ShipReport, journal: Journal, screen: Screen, tracking_uri: str | None = None
) -> None:
    """What arrived where, and the one command that opens MLflow on it."""
    screen.say(f"{shipped.traces} traces and {shipped.runs} path runs went to {shipped.tracking_uri}")
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
    screen.say("Look at it in MLflow (experiments ExamsGraph and GraphRAG_Path_Tracing):")
    screen.command(ui_command(tracking_uri or default_tracking_uri(journal.path)))
