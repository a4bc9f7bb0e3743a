"""The tables of a report, each at most 80 columns wide, Korean lined up."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.table import Table
from rich.text import Text

from examsgraph_callbacks.analytics import (
    CallError,
    CallFigures,
    CallReport,
    Cost,
    FailedConcept,
    Misroute,
    RemediedConcept,
    Understanding,
)
from examsgraph_callbacks.console.amounts import (
    UNKNOWN,
    cost_krw,
    cost_usd,
    duration,
    one_line,
    tokens,
    usd_decimals,
)
from examsgraph_callbacks.console.layout import add_row, new_table

__all__ = [
    "costs_table",
    "errors_table",
    "failed_concepts_table",
    "misroutes_table",
    "remedies_table",
    "times_table",
    "users_table",
]

_BAR_COLUMNS = 24


def times_table(calls: CallReport) -> Table:
    """How many calls each route took, how many of them wrongly, and how long they lasted."""
    table = new_table("", "calls", "misrouted", "failed", "latency\np50", "latency\np95", "1st token\np50")
    for name, figures in _routes(calls):
        if figures is None:
            add_row(table, name)
            continue
        add_row(
            table,
            name,
            tokens(figures.calls),
            _alarming(figures.misroutes),
            _alarming(figures.failed),
            duration(figures.latency_p50_ms),
            duration(figures.latency_p95_ms),
            duration(figures.time_to_first_token_p50_ms),
        )
    return table


def costs_table(calls: CallReport, krw_per_usd: float) -> Table:
    """The tokens and the cost of each route."""
    table = new_table("", "input", "cached", "output", "USD", "KRW")
    decimals = usd_decimals(calls.total.cost.usd)
    for name, figures in _routes(calls):
        if figures is None:
            add_row(table, name)
            continue
        estimated = "~" if figures.estimated else ""
        add_row(
            table,
            name,
            f"{estimated}{tokens(figures.input_tokens)}",
            tokens(figures.cached_tokens),
            f"{estimated}{tokens(figures.output_tokens)}",
            cost_usd(figures.cost, decimals),
            cost_krw(figures.cost, krw_per_usd),
        )
    return table


def misroutes_table(misroutes: Sequence[Misroute]) -> Table:
    """Each misrouted call: what for, where it went and what that cost."""
    table = new_table("task", "went to", "user", "USD", left=3)
    decimals = usd_decimals(None)
    for misroute in misroutes:
        priced = misroute.cost_usd is not None
        add_row(
            table,
            one_line(misroute.task_type),
            one_line(misroute.model),
            one_line(misroute.user_id),
            cost_usd(Cost(misroute.cost_usd), decimals) if priced else "unpriced",
        )
    return table


def errors_table(errors: Sequence[CallError]) -> Table:
    """Each type of error of each model, and what the last one said."""
    table = new_table("model", "error", "the last one said", "count", left=3)
    for error in errors:
        add_row(
            table,
            one_line(error.model),
            one_line(error.error_type),
            one_line(error.last_message),
            _alarming(error.count),
        )
    return table


def failed_concepts_table(concepts: Sequence[FailedConcept]) -> Table:
    """How often each concept was not understood, with a bar."""
    table = new_table("concept", "failures", "", left=1)
    table.columns[2].justify = "left"
    most = max(concept.failure_count for concept in concepts)
    for concept in concepts:
        bar = "█" * max(1, round(_BAR_COLUMNS * concept.failure_count / most))
        add_row(table, one_line(concept.concept), tokens(concept.failure_count), Text(bar, "magenta"))
    return table


def remedies_table(concepts: Sequence[RemediedConcept]) -> Table:
    """How each concept with resources was understood before it had one and since."""
    table = new_table("concept", "resources", "before", "after", "", left=2)
    for concept in concepts:
        before, after = concept.before, concept.after
        change = ""
        if before.average is not None and after.average is not None:
            few = "~" if concept.has_few_scores else ""
            change = f"{few}{after.average - before.average:+.1f}"
        add_row(
            table,
            one_line(concept.concept),
            ", ".join(f"{count} {kind}" for kind, count in concept.resources),
            _understanding(before),
            _understanding(after),
            change,
        )
    return table


def users_table(calls: CallReport, krw_per_usd: float, rows: int) -> Table:
    """The cost of the `rows` most expensive users, and the mean of all."""
    table = new_table("user", "calls", "USD", "KRW")
    decimals = usd_decimals(calls.total.cost.usd)
    for user in calls.users[:rows]:
        add_row(
            table,
            one_line(user.user_id or "(no user)"),
            tokens(user.calls),
            cost_usd(user.cost, decimals),
            cost_krw(user.cost, krw_per_usd),
        )
    average = Cost(calls.average_user_cost_usd, calls.total.cost.unpriced)
    table.add_section()
    add_row(
        table,
        Text("average", "bold"),
        "",
        cost_usd(average, decimals),
        cost_krw(average, krw_per_usd),
    )
    return table


def _understanding(understanding: Understanding) -> str:
    if understanding.average is None:
        return UNKNOWN
    return f"{understanding.average:.1f} (n {understanding.scores:,})"


def _routes(calls: CallReport) -> Iterator[tuple[Text, CallFigures | None]]:
    """A line for each task type and for embeddings, under it one for each model, at the end the total."""
    for task_type, groups in groupby(calls.groups, key=lambda group: group.task_type):
        yield Text(one_line(task_type or "(no task type)"), "bold"), None
        for group in groups:
            yield _model(group.model), group.figures
    if calls.embeddings:
        yield Text("embeddings", "bold"), None
    for embedding in calls.embeddings:
        yield _model(embedding.model), embedding.figures
    yield Text("total", "bold"), calls.total


def _model(name: str | None) -> Text:
    return Text(f"  {one_line(name or '(unknown model)')}")


def _alarming(count: int | None) -> Text:
    return Text(tokens(count), "bold red" if count else "dim")
