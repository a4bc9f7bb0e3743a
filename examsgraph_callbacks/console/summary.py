"""The report on a journal, shown."""

from examsgraph_callbacks.analytics import report
from examsgraph_callbacks.console.empty import empty_journal
from examsgraph_callbacks.console.reading import read_under_bar
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.settings import Settings

__all__ = ["show_report"]


def show_report(journal: Journal, screen: Screen, meter: Meter) -> None:
    """Read the whole journal under a bar and show what it says.

    Raises `InvalidInputError` where it holds no facts.
    """
    krw_per_usd = Settings().krw_per_usd
    with screen.progress("Reading the journal") as advance:
        summary = report(read_under_bar(journal, advance), meter)
    if not summary.facts:
        raise empty_journal(journal)
    screen.show(summary, krw_per_usd)
