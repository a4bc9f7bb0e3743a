"""A report as it stands in a terminal: its sections, one under the other."""

from collections.abc import Iterator
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.text import Text

from examsgraph_callbacks.analytics import FEW_SCORES, Cost, Report
from examsgraph_callbacks.console.amounts import cost_usd, counted, one_line, usd_decimals
from examsgraph_callbacks.console.layout import heading, more
from examsgraph_callbacks.console.paths import render_explorations
from examsgraph_callbacks.console.tables import (
    costs_table,
    errors_table,
    failed_concepts_table,
    misroutes_table,
    remedies_table,
    times_table,
    users_table,
)

__all__ = ["render_report"]

CONCEPTS_SHOWN = 5
ROWS_SHOWN = 10


def render_report(report: Report, krw_per_usd: float) -> Group:
    """The whole report, 80 columns wide where the terminal is no wider; `krw_per_usd` are won a dollar."""
    return Group(
        *_head(report),
        *_calls(report, krw_per_usd),
        *render_explorations(report.explorations),
        *_feedback(report),
        *_users(report, krw_per_usd),
    )


def _head(report: Report) -> Iterator[RenderableType]:
    counts = {
        "tutoring turn": report.turns,
        "LLM call": report.calls.llm_calls,
        "embedding call": report.calls.embedding_calls,
        "graph exploration": report.explorations.count,
        "learner reaction": report.feedback.count,
    }
    yield Text(", ".join(counted(count, noun) for noun, count in counts.items() if count), "bold")
    if report.began is not None and report.ended is not None:
        yield Text(f"{report.began:%Y-%m-%d %H:%M:%S} to {report.ended:%Y-%m-%d %H:%M:%S} UTC", "dim")
    if report.failed_turns:
        yield Text(f"{counted(report.failed_turns, 'turn')} failed", "red")


def _calls(report: Report, krw_per_usd: float) -> Iterator[RenderableType]:
    calls = report.calls
    if not calls.total.calls:
        return
    yield from heading("Calls by task type and model")
    yield times_table(calls)
    yield from heading("Tokens and cost")
    yield costs_table(calls, krw_per_usd)
    versions = ", ".join(calls.price_versions) or "none known"
    yield Text(f"Prices by {versions}; ₩{krw_per_usd:,g} a dollar.", "dim")
    if calls.total.estimated:
        yield Text(
            f"~ {counted(calls.total.estimated, 'call')} ({calls.total.estimated_share:.0%}) came without "
            "usage: those tokens are estimated.",
            "yellow",
        )
    for stated in calls.stated_otherwise:
        yield Text(
            f"{counted(stated.calls, 'call')} of {one_line(stated.model)}: stated cost "
            f"{_usd(stated.stated_usd)}, by list {_usd(stated.listed_usd)}; the stated one is used.",
            "yellow",
        )
    for reason, count in calls.total.cost.unpriced:
        yield Text(f"{counted(count, 'call')} unpriced: {one_line(reason)}", "yellow")
    if calls.misroutes:
        yield from heading(f"⚠ {counted(len(calls.misroutes), 'misrouted call')}", "red")
        yield misroutes_table(calls.misroutes[:ROWS_SHOWN])
        yield from more(len(calls.misroutes), ROWS_SHOWN)
    if calls.errors:
        yield from heading("Errors", "red")
        yield errors_table(calls.errors[:ROWS_SHOWN])
        yield from more(len(calls.errors), ROWS_SHOWN)


def _feedback(report: Report) -> Iterator[RenderableType]:
    feedback = report.feedback
    if not feedback.count:
        return
    yield from heading("What learners understood")
    types = ", ".join(f"{count} {kind}" for kind, count in feedback.types)
    yield Text(f"{counted(feedback.count, 'reaction')}: {types}")
    if feedback.average_understanding is not None:
        yield Text(f"average understanding {feedback.average_understanding:.1f} of 5")
    if feedback.failed_concepts:
        yield from heading(f"Top {CONCEPTS_SHOWN} concepts that learners failed to understand")
        yield failed_concepts_table(feedback.failed_concepts[:CONCEPTS_SHOWN])
    if feedback.remedied_concepts:
        yield from heading("Understanding before and after a resource was added")
        yield remedies_table(feedback.remedied_concepts[:ROWS_SHOWN])
        yield from more(len(feedback.remedied_concepts), ROWS_SHOWN)
        if any(concept.has_few_scores for concept in feedback.remedied_concepts[:ROWS_SHOWN]):
            yield Text(f"~ fewer than {FEW_SCORES} scores on a side: too few to tell.", "yellow")
    if feedback.unattributed_failures:
        yield Text(f"{counted(feedback.unattributed_failures, 'failure')} of an unknown concept", "yellow")


def _users(report: Report, krw_per_usd: float) -> Iterator[RenderableType]:
    users = report.calls.users
    if not any(user.user_id for user in users):
        return
    yield from heading("Cost by user")
    yield users_table(report.calls, krw_per_usd, ROWS_SHOWN)
    yield from more(len(users), ROWS_SHOWN)


def _usd(amount: Decimal) -> str:
    return cost_usd(Cost(amount), usd_decimals(amount))
