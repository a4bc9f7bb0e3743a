"""An experiment as a person asks for it: the verdicts, the arms, and a page of it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from examsgraph_callbacks.console.amounts import one_line, tokens
from examsgraph_callbacks.console.layout import add_row, heading, new_table
from examsgraph_callbacks.console.reading import read_under_bar
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.experiments import METRICS, ExperimentReport, report_experiment
from examsgraph_callbacks.experiments.page import experiment_page
from examsgraph_callbacks.experiments.words import difference_in_words, value, verdict_in_words
from examsgraph_callbacks.experiments.words import heading as title
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter

__all__ = ["report_as_json", "show_experiment"]

_STYLES = {"better": "bold green", "worse": "bold red", "invalid": "bold yellow"}


def show_experiment(
    journal: Journal,
    screen: Screen,
    name: str,
    meter: Meter,
    *,
    as_json: bool = False,
    html: Path | None = None,
    now: datetime | None = None,
) -> None:
    """Show the report on an experiment of the journal, and write its page.

    Raises `InvalidInputError` where the journal has no such experiment, or the file cannot be written.
    """
    with screen.progress("Reading the journal") as advance:
        facts = read_under_bar(journal, advance)
        report = report_experiment(facts, name, now or datetime.now(UTC), meter)
    if html is not None:
        try:
            html.write_text(experiment_page(report), encoding="utf-8")
        except OSError as error:
            raise InvalidInputError(f"expected to write {html}, could not: {error.strerror}") from error
    if as_json:
        screen.say(report_as_json(report))
        return
    screen.lay_out(*_report(report))
    if html is not None:
        screen.say(f"\nThe page: {html}")


def report_as_json(report: ExperimentReport) -> str:
    """The report, an infinite interval as null; times in ISO 8601."""
    return json.dumps(_finite(asdict(report)), ensure_ascii=False, indent=2, default=str)


def _finite(content: object) -> object:
    if isinstance(content, dict):
        return {key: _finite(item) for key, item in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(item) for item in content]
    return None if content in (float("inf"), float("-inf")) else content


def _report(report: ExperimentReport) -> Iterator[RenderableType]:
    yield Text(title(report), "bold cyan")
    yield Text()
    for comparison in report.comparisons:
        yield Text(verdict_in_words(report, comparison), _STYLES.get(comparison.verdict, ""))
    yield from heading("Learners")
    table = new_table("variant", "planned", "learners", "exposures", "reacted", "95%")
    for arm in report.arms:
        rate = arm.response_rate
        add_row(
            table,
            one_line(arm.variant),
            f"{arm.weight:.1%}",
            tokens(arm.learners),
            tokens(arm.exposures),
            "–" if rate is None else f"{rate.value:.1%}",
            "–" if rate is None else f"{rate.low:.1%} to {rate.high:.1%}",
        )
    yield table
    yield from heading("What became of it")
    table = new_table("variant", *(METRICS[name].title.replace(" ", "\n", 1) for name in METRICS))
    for arm in report.arms:
        add_row(table, one_line(arm.variant), *(value(name, arm.metrics[name]) for name in METRICS))
    yield table
    others = [(each.variant, other) for each in report.comparisons for other in each.others]
    if others:
        yield from heading(f"Beside {METRICS[report.metric].title}, less {report.control}")
        for variant, other in others:
            yield Text(f"{one_line(variant)}: {difference_in_words(other)}")
    for caution in report.cautions:
        yield Text()
        yield Text(caution, "yellow")
