"""How fast a journal is shipped, on this machine:  pytest -m benchmark -s tests/deliver"""

import time

import pytest

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.deliver.conftest import DOORS, door
from tests.deliver.factories import exploration, feedback, llm_call, small_turn, turn_root

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

WHERE = {**DOORS, "server on PostgreSQL": "mlflow_on_postgresql"}


@pytest.fixture(params=WHERE)
def tracking_uri(request: pytest.FixtureRequest) -> str:
    return door(request, WHERE[request.param])


@pytest.fixture(autouse=True)
def warm(tracking_uri: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    Meter().measure(llm_call())
    ship(Journal(tmp_path_factory.mktemp("warm")), tracking_uri)


def test_500_turns_of_3_spans(journal: Journal, tracking_uri: str, request: pytest.FixtureRequest) -> None:
    for number in range(500):
        for fact in small_turn(f"{tracking_uri} {number}", after_seconds=number):
            journal.write(fact)
    began = time.perf_counter()
    report = ship(journal, tracking_uri)
    seconds = time.perf_counter() - began
    assert (report.traces, report.facts_read) == (500, 1500)
    print(f"\n{request.node.callspec.id}: {seconds:.2f} s, {500 / seconds:.0f} traces/s")  # noqa: T201 - the figure is what it is run for


def test_50_feedbacks_with_texts_and_assessments(
    journal: Journal, tracking_uri: str, request: pytest.FixtureRequest
) -> None:
    for number in range(50):
        turn = f"said of {tracking_uri} {number}"
        journal.write(turn_root(turn))
        journal.write(feedback(turn))
    began = time.perf_counter()
    report = ship(journal, tracking_uri)
    seconds = time.perf_counter() - began
    assert (report.traces, report.view_runs["User_Feedback"]) == (50, 50)
    print(f"\n{request.node.callspec.id}: {seconds:.2f} s, {50 / seconds:.1f} runs/s")  # noqa: T201 - the figure is what it is run for


def test_50_explorations_with_both_artifacts(
    journal: Journal, tracking_uri: str, request: pytest.FixtureRequest
) -> None:
    for number in range(50):
        turn = f"explores {tracking_uri} {number}"
        journal.write(exploration(turn))
        journal.write(turn_root(turn))
    began = time.perf_counter()
    report = ship(journal, tracking_uri)
    seconds = time.perf_counter() - began
    assert (report.traces, report.runs) == (50, 50)
    print(f"\n{request.node.callspec.id}: {seconds:.2f} s, {50 / seconds:.1f} runs/s")  # noqa: T201 - the figure is what it is run for
