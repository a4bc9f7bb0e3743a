"""The report on a journal, shown, or written as a page or for programs."""

from pathlib import Path

from examsgraph_callbacks.analytics import Analytics, Sought, report, sift
from examsgraph_callbacks.console.empty import empty_journal
from examsgraph_callbacks.console.reading import read_under_bar
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.settings import current_settings

__all__ = ["Sought", "show_overview", "show_report"]

_EVERYTHING = Sought()


def show_report(journal: Journal, screen: Screen, meter: Meter, sought: Sought = _EVERYTHING) -> None:
    """Read the whole journal under a bar and show what it says of what is `sought`.

    Raises `InvalidInputError` where it holds no facts of that.
    """
    settings = current_settings()
    with screen.progress("Reading the journal") as advance:
        facts = sift(lambda: read_under_bar(journal, advance), sought, settings.time_zone)
        summary = report(facts, meter)
    if not summary.facts:
        raise empty_journal(journal) if sought == _EVERYTHING else _nothing_of(sought, journal)
    screen.show(summary, settings.krw_per_usd)


def show_overview(
    journal: Journal,
    screen: Screen,
    meter: Meter,
    sought: Sought = _EVERYTHING,
    *,
    html: Path | None = None,
    as_json: bool = False,
) -> None:
    """Ask every question of what is `sought`; the answers go to a page, and to the screen as JSON."""
    settings = current_settings()
    asked = Analytics(journal, settings, meter).narrowed(user_id=sought.user_id, concept=sought.concept)
    overview = asked.overview(sought.period(settings.time_zone))
    if html is not None:
        from examsgraph_callbacks.analytics.page import overview_page

        try:
            html.write_text(overview_page(overview), encoding="utf-8")
        except OSError as error:
            raise InvalidInputError(
                f"expected to write the page to {html}, cannot ({error.strerror}): name another file"
            ) from error
    if as_json:
        screen.say(overview.model_dump_json(indent=2))
    elif html is not None:
        screen.say(f"written to {html}")


def _nothing_of(sought: Sought, journal: Journal) -> InvalidInputError:
    named = {"since": sought.since, "until": sought.until, "user": sought.user_id, "concept": sought.concept}
    wanted = ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)
    return InvalidInputError(f"expected facts with {wanted} in {journal.path}, found none: ask for more")
