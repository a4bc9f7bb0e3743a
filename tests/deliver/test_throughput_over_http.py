"""LLM calls a second over HTTP, beside what else could be done:  pytest -m benchmark -s tests/deliver"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.deliver.destination import open_destination
from examsgraph_callbacks.deliver.measured import measure_turn
from examsgraph_callbacks.deliver.otlp import encode_span, export_request
from examsgraph_callbacks.deliver.spans import turn_spans
from examsgraph_callbacks.deliver.traces import TRACES_A_REQUEST
from examsgraph_callbacks.deliver.turns import Turn
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.deliver.factories import hex_id, llm_call, small_turn
from tests.servers.mlflow_server import running_mlflow
from tests.servers.postgresql_server import another_database

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

ROUNDS = 3
TURNS = 2000
CALLS = 2 * TURNS


def calls_a_second_shipped(tracking_uri: str, journal: Journal, name: str) -> float:
    """From the journal to the server, measuring and encoding included."""
    for number in range(TURNS):
        for fact in small_turn(f"{name} {number}", after_seconds=number):
            journal.write(fact)
    began = time.perf_counter()
    assert ship(journal, tracking_uri).traces == TURNS
    return CALLS / (time.perf_counter() - began)


def calls_a_second_posted(tracking_uri: str, name: str) -> float:
    """The same spans, encoded before, in the same number of requests: what the server takes at best."""
    meter = Meter()
    turns = [
        Turn(hex_id(f"{name} {number}"), tuple(small_turn(f"{name} {number}", after_seconds=number)))
        for number in range(TURNS)
    ]
    spans = [[encode_span(span) for span in turn_spans(measure_turn(turn, meter))] for turn in turns]
    bodies = [
        export_request([span for trace in spans[begin : begin + TRACES_A_REQUEST] for span in trace])
        for begin in range(0, TURNS, TRACES_A_REQUEST)
    ]
    with open_destination(tracking_uri) as destination:
        headers = {
            "Content-Type": "application/x-protobuf",
            "x-mlflow-experiment-id": destination.experiment_id("ExamsGraph"),
        }
        began = time.perf_counter()
        for body in bodies:
            assert destination.request("POST", "/v1/traces", None, headers, body)[0] == 200
        return CALLS / (time.perf_counter() - began)


def calls_a_second_as_runs(tracking_uri: str, calls: int = 20) -> float:
    """A run per call with its figures, a parameter and its answer as an artifact."""
    client = MlflowClient(tracking_uri=tracking_uri)
    experiment = client.create_experiment(f"run per call {time.time()}")
    began = time.perf_counter()
    for number in range(calls):
        run_id = client.create_run(experiment, tags={"model": "gpt-4o"}).info.run_id
        figures = {"estimated_cost_usd": 0.001, "total_tokens": 45.0, "latency_ms": 450.0}
        metrics = [Metric(key, value, 1000 * number, 0) for key, value in figures.items()]
        client.log_batch(run_id, metrics=metrics, params=[Param("temperature", "0.2")])
        client.log_text(run_id, "데이터 중복을 제거합니다.", "answer.txt")
        client.set_terminated(run_id)
    return calls / (time.perf_counter() - began)


def calls_a_second_autologged(tracking_uri: str, turns: int = 60) -> float:
    """MLflow's own autolog of a chain of two calls, until the last one is exported."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.deliver.autologged", tracking_uri, str(turns)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    return 2 * turns / float(ran.stdout.splitlines()[-1])


@pytest.fixture(params=["sqlite", "postgresql"])
def mlflow_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A server on that database with as many workers as MLflow gives it, which is 4.

    It runs as `pip install mlflow` alone has it: with uvicorn's extras beside it, which our own server
    asks for, it answers small requests sooner.
    """
    plain = ["--uvicorn-opts", os.environ.get("EXAMSGRAPH_BENCHMARK_UVICORN", "--loop asyncio --http h11")]
    database = f"sqlite:///{tmp_path / 'server.db'}"
    if request.param == "postgresql":
        database = another_database(request.getfixturevalue("postgresql_uri"), "throughput")
    data = ["--backend-store-uri", database]
    artifacts = ["--artifacts-destination", str(tmp_path / "artifacts")]
    with running_mlflow(["server", *plain, *data, *artifacts], tmp_path) as uri:
        yield uri


def test_llm_calls_a_second_over_http(
    mlflow_server: str,
    journal: Journal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    Meter().measure(llm_call())
    ship(Journal(tmp_path / "warm"), mlflow_server)
    rates: dict[str, list[float]] = {"shipped": [], "bare posts": [], "autolog": [], "a run per call": []}
    for number in range(ROUNDS):
        rates["shipped"].append(calls_a_second_shipped(mlflow_server, journal, f"shipped {number}"))
        rates["bare posts"].append(calls_a_second_posted(mlflow_server, f"posted {number}"))
        rates["autolog"].append(calls_a_second_autologged(mlflow_server))
        rates["a run per call"].append(calls_a_second_as_runs(mlflow_server))
    median = {way: statistics.median(measured) for way, measured in rates.items()}
    print(f"\n{request.node.name}")  # noqa: T201
    for way, measured in rates.items():
        print(  # noqa: T201
            f"{way:15} {median[way]:7.1f} LLM calls/s   ({', '.join(f'{rate:.1f}' for rate in measured)})"
        )
    assert median["shipped"] >= 100
    assert median["shipped"] >= 20 * median["a run per call"]
    assert median["shipped"] >= 0.8 * median["bare posts"]
