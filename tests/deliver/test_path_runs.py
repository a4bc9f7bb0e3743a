"""An exploration becomes a run of GraphRAG_Path_Tracing that the team's saved filters find."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from pydantic import JsonValue

from examsgraph_callbacks.deliver import path_runs, ship
from examsgraph_callbacks.deliver.path_runs import explained_explorations
from examsgraph_callbacks.deliver.turns import Turn
from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.journal import Journal
from tests.deliver.conftest import DOORS, door
from tests.deliver.factories import EXPLANATION, exploration, full_turn, hex_id, llm_call, turn_root
from tests.deliver.readback import experiment_id, runs_of


@pytest.fixture(params=[*DOORS, "server on PostgreSQL"])
def tracking_uri(request: pytest.FixtureRequest) -> str:
    """Every door there is."""
    return door(request, DOORS.get(request.param, "mlflow_on_postgresql"))


def artifact(tracking_uri: str, run: Run, name: str, folder: Path) -> str:
    client = MlflowClient(tracking_uri=tracking_uri)
    return Path(client.download_artifacts(run.info.run_id, name, str(folder))).read_text("utf-8")


@pytest.fixture
def run(journal: Journal, tracking_uri: str, request: pytest.FixtureRequest) -> Run:
    for fact in full_turn(request.node.name):
        journal.write(fact)
    assert ship(journal, tracking_uri).runs == 1
    (only,) = runs_of(tracking_uri, request.node.name)
    return only


def test_the_documents_filter_finds_it(run: Run, tracking_uri: str) -> None:
    client = MlflowClient(tracking_uri=tracking_uri)
    found = client.search_runs([run.info.experiment_id], 'tags.wrong_concept = "정규화"')
    assert run.info.run_id in {hit.info.run_id for hit in found}
    assert client.search_runs([run.info.experiment_id], 'tags.wrong_concept = "조인"') == []


def test_metrics_parameters_tags_and_times_are_the_explorations_own(run: Run) -> None:
    assert run.data.metrics == {
        "path_length": 3,
        "exploration_depth": 3,
        "anomalous_hops": 1,
        "min_similarity": 0.45,
        "latency_ms": 120.5,
    }
    assert run.data.params == {"depth": "3", "similarity_threshold": "0.7", "max_hops": "5"}
    tags = {"wrong_concept": "정규화", "question_id": "q_001", "user_id": "user_001"}
    assert tags.items() <= run.data.tags.items()
    assert (run.info.start_time, run.info.end_time) == (1_768_473_000_250, 1_768_473_000_370)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "정규화")


def test_the_path_and_the_explanation_are_artifacts_in_plain_korean(
    run: Run, tracking_uri: str, tmp_path: Path
) -> None:
    text = artifact(tracking_uri, run, "graph_exploration_path.json", tmp_path)
    assert "이상현상" in text
    path = json.loads(text)
    assert [hop["next_node"] for hop in path["graph_path"]] == ["제1정규형", "이상현상", "SQL 문법"]
    assert artifact(tracking_uri, run, "final_explanation.txt", tmp_path) == EXPLANATION


def test_the_picture_and_the_page_stand_beside_the_path(run: Run, tracking_uri: str, tmp_path: Path) -> None:
    svg = artifact(tracking_uri, run, "graph_exploration_path.svg", tmp_path)
    page = artifact(tracking_uri, run, "graph_exploration_path.html", tmp_path)
    for picture in (svg, page):
        assert "SQL 문법" in picture
        assert "leaves the question" in picture
    assert svg.startswith("<svg ")
    assert page.startswith("<!doctype html>")
    assert EXPLANATION in page


def test_a_picture_that_cannot_be_drawn_costs_only_itself(
    journal: Journal, sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_exploration: Exploration) -> str:
        raise RecursionError("too deep")

    monkeypatch.setitem(path_runs._PICTURES, "graph_exploration_path.svg", broken)
    for fact in (exploration(), turn_root()):
        journal.write(fact)
    assert ship(journal, sqlite_uri).runs == 1
    (run,) = runs_of(sqlite_uri, "turn")
    assert run.info.status == "FINISHED"
    names = {file.path for file in MlflowClient(sqlite_uri).list_artifacts(run.info.run_id)}
    assert {"graph_exploration_path.json", "graph_exploration_path.html"} <= names
    assert "graph_exploration_path.svg" not in names


@pytest.mark.parametrize(
    ("own", "outputs", "told"),
    [
        ("직접 준 설명", EXPLANATION, "직접 준 설명"),
        (None, EXPLANATION, EXPLANATION),
        (None, {"not": "text"}, "데이터 중복을 제거합니다."),
    ],
)
def test_the_explanation_is_the_best_that_is_known(own: str | None, outputs: JsonValue, told: str) -> None:
    facts = (exploration(final_explanation=own), llm_call(), turn_root(outputs=outputs))
    (explained,) = explained_explorations(Turn(hex_id("turn"), facts))
    assert explained.explanation == told


def test_an_exploration_alone_needs_no_turn(journal: Journal, sqlite_uri: str, tmp_path: Path) -> None:
    journal.write(exploration(run_id=hex_id("turn"), parent_run_id=None, hops=()))
    report = ship(journal, sqlite_uri)
    assert (report.traces, report.runs) == (1, 1)
    (run,) = runs_of(sqlite_uri, "turn")
    assert "min_similarity" not in run.data.metrics
    assert run.data.metrics["path_length"] == 0
    client = MlflowClient(tracking_uri=sqlite_uri)
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        "graph_exploration_path.json",
        "graph_exploration_path.svg",
        "graph_exploration_path.html",
    }


def test_a_run_that_a_crash_left_half_written_is_finished_and_not_made_twice(
    journal: Journal, tracking_uri: str
) -> None:
    turn = f"half {tracking_uri}"
    client = MlflowClient(tracking_uri=tracking_uri)
    fact = exploration(turn)
    half = client.create_run(
        experiment_id(tracking_uri, "GraphRAG_Path_Tracing"),
        start_time=round(fact.started_at.timestamp() * 1000),
        tags={"examsgraph.event_id": fact.event_id, "trace_id": f"tr-{hex_id(turn)}"},
    )
    for each in (fact, turn_root(turn)):
        journal.write(each)
    ship(journal, tracking_uri)

    (run,) = runs_of(tracking_uri, turn)
    assert run.info.run_id == half.info.run_id
    assert run.info.status == "FINISHED"
    assert run.data.metrics["path_length"] == 3


def test_a_run_that_was_deleted_stays_deleted(journal: Journal, sqlite_uri: str, tmp_path: Path) -> None:
    facts = (exploration(), turn_root())
    for fact in facts:
        journal.write(fact)
    ship(journal, sqlite_uri)
    (run,) = runs_of(sqlite_uri, "turn")
    MlflowClient(tracking_uri=sqlite_uri).delete_run(run.info.run_id)
    again = Journal(tmp_path / "again")
    for fact in facts:
        again.write(fact)

    assert ship(again, sqlite_uri).runs == 0
    assert runs_of(sqlite_uri, "turn") == []


def test_a_failed_exploration_is_a_failed_run(journal: Journal, sqlite_uri: str) -> None:
    journal.write(exploration(status="error", error_type="ServiceUnavailable"))
    journal.write(turn_root())
    ship(journal, sqlite_uri)
    (run,) = runs_of(sqlite_uri, "turn")
    assert run.info.status == "FAILED"
