"""Everything arrives and nothing arrives twice: after crashes, late roots, two shippers, servers down."""

import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from examsgraph_callbacks.deliver import ShipReport, ship, spans
from examsgraph_callbacks.errors import DeliveryError
from examsgraph_callbacks.events import RunFact
from examsgraph_callbacks.journal import Journal
from tests.deliver.conftest import DOORS, door
from tests.deliver.factories import BEGAN, full_turn, hex_id, llm_call, small_turn, turn_root
from tests.deliver.readback import cost_of, runs_in, tokens_of, trace_of, traces_in

SHORTLY_AFTER = BEGAN + timedelta(minutes=1)
LONG_AFTER = BEGAN + timedelta(hours=1)


@pytest.fixture(params=[*DOORS, "server on PostgreSQL"])
def tracking_uri(request: pytest.FixtureRequest) -> str:
    """Every door there is."""
    return door(request, DOORS.get(request.param, "mlflow_on_postgresql"))


def write(journal: Journal, facts: Iterable[RunFact]) -> None:
    for fact in facts:
        journal.write(fact)


def test_a_second_pass_ships_only_what_is_new(journal: Journal, tracking_uri: str) -> None:
    first, second = (f"{number} {tracking_uri}" for number in ("first", "second"))
    write(journal, full_turn(first))
    report = ship(journal, tracking_uri)
    assert (report.traces, report.runs, report.facts_read, report.facts_pending) == (1, 1, 7, 0)

    assert ship(journal, tracking_uri).facts_read == 0

    write(journal, small_turn(second))
    report = ship(journal, tracking_uri)
    assert (report.traces, report.runs, report.facts_read) == (1, 0, 3)
    assert len(trace_of(tracking_uri, second).data.spans) == 3


def test_a_crash_before_the_checkpoint_delivers_nothing_twice(journal: Journal, tracking_uri: str) -> None:
    turn = f"crash {tracking_uri}"
    write(journal, full_turn(turn))
    ship(journal, tracking_uri)
    before, runs_before = trace_of(tracking_uri, turn).to_dict(), len(runs_in(tracking_uri))
    (checkpoint,) = (journal.path / "shipped").glob("*.json")
    checkpoint.unlink()

    report = ship(journal, tracking_uri)

    assert (report.traces, report.runs) == (1, 0)
    assert trace_of(tracking_uri, turn).to_dict() == before
    assert len(runs_in(tracking_uri)) == runs_before


def test_a_shipper_that_is_killed_half_way_loses_nothing(journal: Journal, sqlite_uri: str) -> None:
    turns = [f"turn {number}" for number in range(450)]
    for turn in turns:
        write(journal, small_turn(turn))
    killed_after_the_first_batch = (
        "import os, sys\n"
        "from examsgraph_callbacks.deliver import ship\n"
        "from examsgraph_callbacks.journal import Journal\n"
        "ship(Journal(sys.argv[1]), sys.argv[2], lambda report: os.kill(os.getpid(), 9))\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", killed_after_the_first_batch, str(journal.path), sqlite_uri],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert killed.returncode == -9

    report = ship(journal, sqlite_uri)

    assert report.traces == 250
    assert traces_in(sqlite_uri) == sorted(hex_id(turn) for turn in turns)


def test_two_destinations_do_not_disturb_each_other(
    journal: Journal, mlflow_server: str, sqlite_uri: str
) -> None:
    write(journal, small_turn("two destinations"))
    for uri in (mlflow_server, sqlite_uri):
        assert ship(journal, uri).traces == 1
        assert ship(journal, uri).traces == 0


def test_a_turn_waits_for_its_root(journal: Journal, tracking_uri: str) -> None:
    turn = f"waits {tracking_uri}"
    *children, root = small_turn(turn)
    write(journal, [*children, *small_turn(f"meanwhile {tracking_uri}")])
    report = ship(journal, tracking_uri, now=SHORTLY_AFTER)
    assert (report.traces, report.facts_pending) == (1, 2)

    assert ship(journal, tracking_uri, now=SHORTLY_AFTER).facts_pending == 2

    write(journal, [root])
    report = ship(journal, tracking_uri, now=SHORTLY_AFTER)
    assert (report.traces, report.incomplete, report.facts_pending) == (1, 0, 0)
    assert len(trace_of(tracking_uri, turn).data.spans) == 3


def test_a_turn_whose_end_never_comes_is_delivered_and_says_so(journal: Journal, tracking_uri: str) -> None:
    turn = f"no end {tracking_uri}"
    *children, _root = small_turn(turn)
    write(journal, children)

    report = ship(journal, tracking_uri, now=LONG_AFTER)

    assert (report.traces, report.incomplete, report.facts_pending) == (1, 1, 0)
    trace = trace_of(tracking_uri, turn)
    root, *calls = trace.data.spans
    assert (trace.info.state.value, trace.info.tags["incomplete"]) == ("ERROR", "true")
    assert "no end" in root.status.description
    assert {call.parent_id for call in calls} == {root.span_id}
    assert trace.info.trace_metadata["mlflow.trace.user"] == "user_001"
    assert tokens_of(trace)["total_tokens"] == 90


def test_an_end_that_comes_after_all_makes_the_turn_whole(journal: Journal, tracking_uri: str) -> None:
    turn = f"late end {tracking_uri}"
    *children, root = small_turn(turn)
    write(journal, children)
    ship(journal, tracking_uri, now=LONG_AFTER)
    write(journal, [root])

    report = ship(journal, tracking_uri, now=LONG_AFTER)

    assert (report.traces, report.incomplete) == (1, 0)
    trace = trace_of(tracking_uri, turn)
    assert (trace.info.state.value, trace.info.tags["incomplete"]) == ("OK", "false")
    assert [span.name for span in trace.data.spans] == ["tutor", "ChatOpenAI", "ChatOpenAI"]
    assert trace.info.execution_duration == 5000
    assert tokens_of(trace)["total_tokens"] == 90
    assert cost_of(trace) == pytest.approx(0.00035775)


def test_more_facts_of_an_unfinished_turn_join_it(journal: Journal, sqlite_uri: str) -> None:
    one, two, _root = small_turn("turn")
    for late in (one, two):
        write(journal, [late])
        ship(journal, sqlite_uri, now=LONG_AFTER)

    trace = trace_of(sqlite_uri, "turn")
    root, *calls = trace.data.spans
    assert len(calls) == 2
    assert root.start_time_ns == calls[0].start_time_ns
    assert tokens_of(trace)["total_tokens"] == 90


def test_a_fact_that_comes_after_its_root_joins_the_trace(journal: Journal, tracking_uri: str) -> None:
    turn = f"late call {tracking_uri}"
    write(journal, small_turn(turn))
    ship(journal, tracking_uri, now=SHORTLY_AFTER)
    write(journal, [llm_call(turn, "late", after_seconds=4)])

    report = ship(journal, tracking_uri, now=LONG_AFTER)

    assert (report.traces, report.incomplete, report.facts_pending) == (1, 0, 0)
    trace = trace_of(tracking_uri, turn)
    assert [span.name for span in trace.data.spans] == ["tutor", *["ChatOpenAI"] * 3]
    assert trace.info.state.value == "OK"
    assert tokens_of(trace)["total_tokens"] == 135
    assert cost_of(trace) == pytest.approx(0.000378)


def test_a_server_that_is_down_is_one_clear_line_and_nothing_is_lost(
    journal: Journal, tracking_uri: str
) -> None:
    turn = f"down {tracking_uri}"
    write(journal, small_turn(turn))
    with pytest.raises(DeliveryError) as raised:
        ship(journal, "http://127.0.0.1:9")
    assert "\n" not in str(raised.value)
    assert "expected an MLflow server at http://127.0.0.1:9" in str(raised.value)
    assert "refused" in str(raised.value)

    assert ship(journal, tracking_uri).traces == 1


def test_a_second_shipper_is_told_who_ships(journal: Journal, sqlite_uri: str) -> None:
    write(journal, small_turn("turn"))
    refusals = []

    def ship_too(_report: ShipReport) -> None:
        with pytest.raises(DeliveryError, match=f"process {os.getpid()} is shipping there") as raised:
            ship(journal, sqlite_uri)
        refusals.append(raised.value)

    assert ship(journal, sqlite_uri, ship_too).traces == 1
    assert refusals


def test_a_trace_that_mlflow_refuses_does_not_hold_up_the_others(
    journal: Journal, tracking_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "_LONGEST", 10_000)
    turns = [f"{number} of 5 {tracking_uri}" for number in range(5)]
    for turn in turns:
        session_id = "너무 긴 이름" * 100 if turn == turns[3] else "session_123"
        write(journal, [turn_root(turn, session_id=session_id)])

    report = ship(journal, tracking_uri)

    assert (report.traces, report.refused) == (4, 1)
    for turn in turns[:3] + turns[4:]:
        assert trace_of(tracking_uri, turn).info.state.value == "OK"


def test_a_session_id_that_is_too_long_for_mlflow_is_cut(journal: Journal, sqlite_uri: str) -> None:
    write(journal, [turn_root(session_id="긴" * 300)])
    assert ship(journal, sqlite_uri).refused == 0
    assert trace_of(sqlite_uri, "turn").info.trace_metadata["mlflow.trace.session"] == "긴" * 250


def test_a_damaged_checkpoint_counts_as_none(journal: Journal, sqlite_uri: str) -> None:
    write(journal, full_turn())
    ship(journal, sqlite_uri)
    (checkpoint,) = (journal.path / "shipped").glob("*.json")
    checkpoint.write_text('{"version": 1, "segm', "utf-8")

    report = ship(journal, sqlite_uri)

    assert (report.traces, report.runs) == (1, 0)
    assert traces_in(sqlite_uri) == [hex_id("turn")]


def test_progress_is_told_batch_by_batch(journal: Journal, sqlite_uri: str) -> None:
    for number in range(201):
        write(journal, small_turn(f"turn {number}"))
    told: list[int] = []
    ship(journal, sqlite_uri, lambda report: told.append(report.traces))
    assert told == [200, 201, 201]
