"""A path that a caller told is a run at once, and joins its question's latest turn once that arrives."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from examsgraph_callbacks.deliver import ShipReport, ship
from examsgraph_callbacks.deliver.shipper import PATIENCE
from examsgraph_callbacks.events import Exploration, Fact
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import BEGAN, exploration, hex_id, small_turn
from tests.deliver.readback import artifacts_of, run_of, trace_of, traces_in

PATHS = "GraphRAG_Path_Tracing"
SHORTLY_AFTER = BEGAN + timedelta(minutes=5)


@pytest.fixture
def turn(request: pytest.FixtureRequest, tracking_uri: str) -> str:
    return f"{request.node.name} {tracking_uri}"


def told(turn: str, **fields: Any) -> Exploration:
    """The document's path, told without its turn a minute after that."""
    alone: dict[str, Any] = {"trace_id": None, "parent_run_id": None, "source": "caller", "latency_ms": 0.0}
    given = exploration(turn, started_at=BEGAN + timedelta(minutes=1), **alone)
    return given.model_copy(update={"session_id": turn, "final_explanation": "설명", **fields})


def of_session(turn: str) -> list[Fact]:
    return [fact.model_copy(update={"session_id": turn}) for fact in small_turn(turn)]


def shipped(
    journal: Journal, tracking_uri: str, facts: Iterable[Fact], now: datetime = SHORTLY_AFTER
) -> ShipReport:
    for fact in facts:
        journal.write(fact)
    return ship(journal, tracking_uri, now=now)


def test_it_is_a_run_and_a_span_of_the_turn_that_was_there_before(
    journal: Journal, tracking_uri: str, turn: str
) -> None:
    given = told(turn)
    report = shipped(journal, tracking_uri, [*of_session(turn), given])

    run = run_of(tracking_uri, PATHS, given.event_id)
    assert report.runs == 1
    assert run.data.tags["trace_id"] == f"tr-{hex_id(turn)}"
    assert run.data.metrics["path_length"] == 3
    assert "latency_ms" not in run.data.metrics, "nobody said how long it took"
    assert artifacts_of(tracking_uri, run)["final_explanation.txt"] == "설명"
    spans = trace_of(tracking_uri, turn).data.spans
    root = next(span for span in spans if span.parent_id is None)
    (joined,) = [span for span in spans if span.name == given.name]
    assert joined.parent_id == root.span_id
    assert [span.name for span in spans if span.parent_id == joined.span_id] == [
        "depth 1",
        "depth 2",
        "depth 3",
    ]


def test_told_before_its_turn_arrives_it_is_a_run_at_once_and_linked_later(
    journal: Journal, tracking_uri: str, turn: str
) -> None:
    given = told(turn)
    shipped(journal, tracking_uri, [given])
    assert "trace_id" not in run_of(tracking_uri, PATHS, given.event_id).data.tags

    later = shipped(journal, tracking_uri, of_session(turn), SHORTLY_AFTER + timedelta(minutes=2))
    again = shipped(journal, tracking_uri, [], SHORTLY_AFTER + timedelta(minutes=9))

    assert (later.runs, again.runs) == (0, 0)
    assert run_of(tracking_uri, PATHS, given.event_id).data.tags["trace_id"] == f"tr-{hex_id(turn)}"
    names = [span.name for span in trace_of(tracking_uri, turn).data.spans]
    assert names.count("GraphPathRetriever") == 1


@pytest.mark.parametrize("about", [{"session_id": None, "user_id": None}, {"question_id": None}, {}])
def test_whose_turn_nobody_knows_is_a_run_and_no_trace(
    journal: Journal, sqlite_uri: str, about: dict[str, Any]
) -> None:
    given = told("nobody's", **about)
    report = shipped(journal, sqlite_uri, [given])

    assert (report.runs, report.traces, report.refused) == (1, 0, 0)
    assert traces_in(sqlite_uri) == []
    last = shipped(journal, sqlite_uri, [], SHORTLY_AFTER + PATIENCE + timedelta(days=1))
    assert (last.runs, last.traces) == (0, 0)


def test_that_names_its_turn_stands_in_it(journal: Journal, sqlite_uri: str) -> None:
    named = {"trace_id": hex_id("named"), "parent_run_id": hex_id("named")}
    given = told("named", **named)
    shipped(journal, sqlite_uri, [*of_session("named"), given], SHORTLY_AFTER + timedelta(hours=1))

    assert [span.name for span in trace_of(sqlite_uri, "named").data.spans].count("GraphPathRetriever") == 1
    assert run_of(sqlite_uri, PATHS, given.event_id).data.tags["trace_id"] == f"tr-{hex_id('named')}"
