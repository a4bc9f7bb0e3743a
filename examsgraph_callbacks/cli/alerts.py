"""`examsgraph alerts`: who is told, and of what."""

from pathlib import Path
from typing import Annotated

import typer

from examsgraph_callbacks.cli.common import (
    JournalOption,
    PolicyOption,
    PricesOption,
    TrackingUriOption,
    errors_in_one_line,
    new_group,
)

__all__ = ["alerts"]

alerts = new_group("alerts")


@alerts.callback()
def about() -> None:
    """Tell Slack when learners do not understand a concept, or a day costs too much."""


@alerts.command()
def run(
    *,
    journal: JournalOption = None,
    tracking_uri: TrackingUriOption = None,
    rules: Annotated[
        Path | None,
        typer.Option(help="A TOML file of [alerts]; else EXAMSGRAPH_ALERTS, else the two defaults."),
    ] = None,
    prices: PricesOption = None,
    policy: PolicyOption = None,
    following: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C or SIGTERM.")] = False,
) -> None:
    """Judge what is new in the journal by the rules, and send what there is to tell.

    Without a file of rules it is told when a concept was understood at 2 or less 10 times or more within
    24 h, and when a calendar day cost more than 50 USD. An incident is told once, again every 24 h while it
    lasts, and once when it is over. Messages wait in the journal's folder alerts/ until they are sent: a kill
    loses none, and may send one twice. Exit code 1 if one had to be given up. `ship --follow` does it too.

    \b
    EXAMSGRAPH_SLACK_WEBHOOK   the incoming webhook of a Slack channel (extra [alerts])
    EXAMSGRAPH_ALERT_URLS      Apprise URLs, by spaces (extra [apprise])
    EXAMSGRAPH_ALERTS          the file of rules
    EXAMSGRAPH_TIME_ZONE       whose days are meant, else Asia/Seoul

    \b
    A file of rules; every figure but a rate's share may be left out:
        [alerts]
        cooldown = "24h"
        examples = true          # false keeps learners' questions out of messages
        [[alerts.rules]]
        kind = "concept_confusion"
        understanding = 2
        count = 10
        window = "24h"
        [[alerts.rules]]
        kind = "daily_cost"
        usd = 50                 # per = "user" or "model" for one of them
        [[alerts.rules]]
        kind = "misroute_rate"   # or stray_hop_rate, error_rate
        share = 0.05
        at_least = 20
        window = "1h"
        [[alerts.rules]]
        kind = "unpriced_calls"
        count = 1
        [[alerts.rules]]
        kind = "shipper_lag"
        longest = "15m"

    \b
    Example:
        examsgraph alerts run --follow
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.alerts import load_rules
        from examsgraph_callbacks.background.detaching import stop_on_signals
        from examsgraph_callbacks.console import Screen, run_alerts
        from examsgraph_callbacks.journal import Journal
        from examsgraph_callbacks.measure import configured_meter

        opened = Journal(journal)
        meter = configured_meter(prices, policy)
        wait = stop_on_signals().wait if following else None
        read = load_rules(rules) if rules else None
        if not run_alerts(opened, Screen(), wait, tracking_uri, rules=read, meter=meter):
            raise typer.Exit(1)


@alerts.command(name="test")
def try_channels(journal: JournalOption = None, tracking_uri: TrackingUriOption = None) -> None:
    """Send a sample to every channel that is set; exit code 1 if one does not take it."""
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, send_sample
        from examsgraph_callbacks.journal import Journal

        if not send_sample(Journal(journal), Screen(), tracking_uri):
            raise typer.Exit(1)


@alerts.command(name="list")
def list_all(
    journal: JournalOption = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show incidents, those that are open first, and the messages that wait or were given up."""
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, list_alerts
        from examsgraph_callbacks.journal import Journal

        list_alerts(Journal(journal), Screen(), as_json=as_json)
