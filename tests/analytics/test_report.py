"""The report as a whole: one pass over whatever facts there are."""

from datetime import timedelta

from examsgraph_callbacks.analytics import report
from examsgraph_callbacks.events import Retrieval, Trace
from examsgraph_callbacks.measure import Meter
from tests.analytics.facts import answered, document_path, explored, feedback
from tests.measure.facts import NEW_YEAR


def test_a_journal_without_facts_has_an_empty_report() -> None:
    summary = report([], Meter())

    assert (summary.facts, summary.began, summary.turns) == (0, None, 0)
    assert summary.calls.total.calls == 0
    assert summary.calls.total.cost.usd is None
    assert summary.calls.total.estimated_share == 0.0


def test_facts_are_read_once_and_every_kind_is_counted() -> None:
    run = {"event_id": "e", "run_id": "r", "started_at": NEW_YEAR, "latency_ms": 2000.0}
    facts = iter(
        [
            Retrieval(**run),
            explored(*document_path()),
            answered(),
            Trace(**run),
            Trace(**run, status="error"),
            feedback(seconds=5),
        ],
    )
    summary = report(facts, Meter())

    assert (summary.facts, summary.turns, summary.failed_turns) == (6, 2, 1)
    assert (summary.calls.total.calls, summary.explorations.count, summary.feedback.count) == (1, 1, 1)
    assert summary.began == NEW_YEAR
    assert summary.ended == NEW_YEAR + timedelta(seconds=5)
