"""`examsgraph report`: what a journal says, in the terminal, as a page, or for programs."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from examsgraph_callbacks.cli.common import (
    JournalOption,
    PolicyOption,
    PricesOption,
    errors_in_one_line,
)

__all__ = ["report"]

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def report(
    *,
    html: Annotated[
        Path | None, typer.Option(help="Write one page with charts into this file; it needs no network.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Write every answer as JSON and nothing else.")
    ] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=_FORMATS, help="From then on, by the clock of the time zone.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="Until before then.")] = None,
    user: Annotated[str | None, typer.Option(help="Of this user alone.")] = None,
    concept: Annotated[str | None, typer.Option(help="About this concept alone.")] = None,
    journal: JournalOption = None,
    prices: PricesOption = None,
    policy: PolicyOption = None,
) -> None:
    """Sum a journal up: routes, tokens, cost, latency, understanding, strange paths.

    Figures are worked out anew from the recorded facts, so prices and routing can be tried on the past.

    \b
    A prices file (USD for a million tokens) and a policy file, which may be one:
        [[prices]]
        model = "tutor-*"
        input = 2.00
        output = 8.00
        [routing]
        simple_greeting = ["gpt-4o-mini"]
        complex_reasoning = ["gpt-4o"]

    \b
    EXAMSGRAPH_KRW_PER_USD             won a dollar, else 1300
    EXAMSGRAPH_SUBSCRIPTION_PRICE_KRW  what a learner pays a month, else 10000
    EXAMSGRAPH_TIME_ZONE               else Asia/Seoul
    EXAMSGRAPH_ENGINE                  duckdb, pyspark or the URL of an Ibis backend: for --html and --json

    \b
    Examples:
        examsgraph report --prices contract.toml
        examsgraph report --since 2025-01-01 --until 2025-02-01 --html january.html
        examsgraph report --user user_001 --json
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, Sought, show_overview, show_report
        from examsgraph_callbacks.journal import Journal
        from examsgraph_callbacks.measure import configured_meter

        sought = Sought(since=since, until=until, user_id=user, concept=concept)
        opened, screen, meter = Journal(journal), Screen(), configured_meter(prices, policy)
        if html is not None or json:
            show_overview(opened, screen, meter, sought, html=html, as_json=json)
        else:
            show_report(opened, screen, meter, sought)


def add_to(app: typer.Typer) -> None:
    """Make it a verb of `app`."""
    app.command()(report)
