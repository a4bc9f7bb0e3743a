"""A report as it stands in a terminal: its sections, one under the other."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from examsgraph_callbacks.analytics import INEFFICIENT_DEPTH, ExplorationReport, Report, StrayPath
from examsgraph_callbacks.console.amounts import one_line
from examsgraph_callbacks.console.tables import (
    costs_table,
    errors_table,
    failed_concepts_table,
    misroutes_table,
    times_table,
    users_table,
)
from examsgraph_callbacks.graph import draw_path
from examsgraph_callbacks.measure import AnomalousHop

__all__ = ["render_report"]

STRAYS_SHOWN = 10
CONCEPTS_SHOWN = 5
ROWS_SHOWN = 10


def render_report(report: Report, krw_per_usd: float) -> Group:
    """The whole report, 80 columns wide where the terminal is no wider; `krw_per_usd` are won a dollar."""
    return Group(
        *_head(report),
        *_calls(report, krw_per_usd),
        *_explorations(report.explorations),
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
    yield Text(", ".join(_count(count, noun) for noun, count in counts.items() if count), "bold")
    if report.began is not None and report.ended is not None:
        yield Text(f"{report.began:%Y-%m-%d %H:%M:%S} to {report.ended:%Y-%m-%d %H:%M:%S} UTC", "dim")
    if report.failed_turns:
        yield Text(f"{_count(report.failed_turns, 'turn')} failed", "red")


def _calls(report: Report, krw_per_usd: float) -> Iterator[RenderableType]:
    calls = report.calls
    if not calls.total.calls:
        return
    yield from _heading("Calls by task type and model")
    yield times_table(calls)
    yield from _heading("Tokens and cost")
    yield costs_table(calls, krw_per_usd)
    versions = ", ".join(calls.price_versions) or "none known"
    yield Text(f"Prices by {versions}; ₩{krw_per_usd:,g} a dollar.", "dim")
    if calls.total.estimated:
        yield Text(
            f"~ {_count(calls.total.estimated, 'call')} ({calls.total.estimated_share:.0%}) came without "
            "usage: those tokens are estimated.",
            "yellow",
        )
    for reason, count in calls.total.cost.unpriced:
        yield Text(f"{_count(count, 'call')} unpriced: {one_line(reason)}", "yellow")
    if calls.misroutes:
        yield from _heading(f"⚠ {_count(len(calls.misroutes), 'misrouted call')}", "red")
        yield misroutes_table(calls.misroutes[:ROWS_SHOWN])
        yield from _more(len(calls.misroutes), ROWS_SHOWN)
    if calls.errors:
        yield from _heading("Errors", "red")
        yield errors_table(calls.errors[:ROWS_SHOWN])
        yield from _more(len(calls.errors), ROWS_SHOWN)


def _explorations(explorations: ExplorationReport) -> Iterator[RenderableType]:
    if explorations.average_depth is None:
        return
    yield from _heading("Paths through the concept graph")
    yield Text(
        f"{explorations.average_depth:.1f} hops deep on average "
        f"({INEFFICIENT_DEPTH} or more {'is' if explorations.is_inefficient else 'would be'} inefficient)",
        "red" if explorations.is_inefficient else "",
    )
    if explorations.unjudged:
        yield Text(f"{_count(explorations.unjudged, 'path')} without a threshold to judge by", "yellow")
    for stray in explorations.strays[:STRAYS_SHOWN]:
        yield from _stray(stray)
    yield from _more(len(explorations.strays), STRAYS_SHOWN)


def _stray(stray: StrayPath) -> Iterator[RenderableType]:
    measured = stray.measured
    anomalous = measured.anomalous_hops or ()
    yield Text()
    yield Text.assemble(
        (f"{one_line(stray.question_id)}  {one_line(stray.query)}", "bold"),
        (f"  walked {'once' if stray.times == 1 else f'{stray.times} times'}", "dim"),
    )
    drawing = draw_path(measured.path, strange=[anomaly.hop for anomaly in anomalous])
    for line in drawing.splitlines():
        # not wrapped: an arrow stands under the one above it
        yield Text(f"  {one_line(line)}", no_wrap=True, overflow="ignore")
    for anomaly in anomalous:
        reason = Text(one_line(_explained(anomaly, measured.similarity_threshold)), "yellow")
        yield Padding(reason, (0, 0, 0, 2), expand=False)


def _explained(anomaly: AnomalousHop, threshold: float | None) -> str:
    hop = anomaly.hop
    scores = {"edge": hop.edge_similarity, "question": hop.similarity_score, "threshold": threshold}
    known = ", ".join(f"{name} {score:.2f}" for name, score in scores.items() if score is not None)
    return f"{hop.next_node} {' and '.join(anomaly.reasons)} ({known})"


def _feedback(report: Report) -> Iterator[RenderableType]:
    feedback = report.feedback
    if not feedback.count:
        return
    yield from _heading("What learners understood")
    types = ", ".join(f"{count} {kind}" for kind, count in feedback.types)
    yield Text(f"{_count(feedback.count, 'reaction')}: {types}")
    if feedback.average_understanding is not None:
        yield Text(f"average understanding {feedback.average_understanding:.1f} of 5")
    if feedback.failed_concepts:
        yield from _heading(f"Top {CONCEPTS_SHOWN} concepts that learners failed to understand")
        yield failed_concepts_table(feedback.failed_concepts[:CONCEPTS_SHOWN])
    if feedback.unattributed_failures:
        yield Text(f"{_count(feedback.unattributed_failures, 'failure')} of an unknown concept", "yellow")


def _users(report: Report, krw_per_usd: float) -> Iterator[RenderableType]:
    users = report.calls.users
    if not any(user.user_id for user in users):
        return
    yield from _heading("Cost by user")
    yield users_table(report.calls, krw_per_usd, ROWS_SHOWN)
    yield from _more(len(users), ROWS_SHOWN)


def _heading(text: str, style: str = "cyan") -> Iterator[Text]:
    yield Text()
    yield Text(text, f"bold {style}")


def _more(count: int, shown: int) -> Iterator[Text]:
    if count > shown:
        yield Text(f"… and {count - shown:,} more", "dim")


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
