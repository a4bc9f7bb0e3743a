"""Through a proxy that fails by chance, and killed again and again: everything arrives, once, to the digit.

EXAMSGRAPH_SOAK_FACTS=2000 EXAMSGRAPH_SOAK_KILLS=20 pytest -m soak -s tests/deliver/test_faults_soak.py
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, Trace

from examsgraph_callbacks.deliver import shipping_status
from examsgraph_callbacks.deliver.path_runs import EVENT_ID_TAG
from examsgraph_callbacks.events import Exploration, LLMCall, RunFact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter, measure_path
from tests.deliver.factories import full_turn, small_turn
from tests.deliver.readback import experiment_id
from tests.servers.faulty_proxy import FaultyProxy
from tests.servers.mlflow_server import running_mlflow

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

FACTS = int(os.environ.get("EXAMSGRAPH_SOAK_FACTS", "400"))
KILLS = int(os.environ.get("EXAMSGRAPH_SOAK_KILLS", "4"))
SEED = int(os.environ.get("EXAMSGRAPH_SOAK_SEED", "20260115"))
TIMEOUT_SECONDS = "5"
LONGEST_SECONDS = 1800


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A server of this test's own, so that all it holds can be counted."""
    data = ["--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}"]
    artifacts = ["--artifacts-destination", str(tmp_path / "artifacts")]
    with running_mlflow(["server", *data, *artifacts, "--workers", "1"], tmp_path) as uri:
        yield uri


def turns() -> Iterator[list[RunFact]]:
    """Turns of `FACTS` facts in all; of each six one has an exploration, a tool and a failed call."""
    count = number = 0
    while count < FACTS:
        facts = full_turn(f"soak {number}") if number % 6 == 0 else small_turn(f"soak {number}")
        count += len(facts)
        number += 1
        yield facts


def start(journal: Journal, tracking_uri: str, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as output:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "examsgraph_callbacks",
                "ship",
                "--follow",
                "--journal",
                str(journal.path),
            ],
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "MLFLOW_TRACKING_URI": tracking_uri,
                "MLFLOW_HTTP_REQUEST_TIMEOUT": TIMEOUT_SECONDS,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def test_everything_arrives_once_and_to_the_last_digit(server: str, journal: Journal, tmp_path: Path) -> None:
    written = list(turns())
    chance = random.Random(SEED)
    log = tmp_path / "shipper.log"
    began = time.monotonic()
    with FaultyProxy(server, SEED) as proxy:
        for kill in range(KILLS):
            for facts in written[kill :: KILLS + 1]:
                for fact in facts:
                    journal.write(fact)
            kill_in_the_midst(proxy, start(journal, proxy.url, log), chance.randint(4, 30))
        for facts in written[KILLS :: KILLS + 1]:
            for fact in facts:
                journal.write(fact)
        shipper = start(journal, proxy.url, log)
        until_shipped(journal, proxy.url, shipper)
        shipper.send_signal(signal.SIGTERM)
        assert shipper.wait(60) == 0, log.read_text("utf-8")
        print(  # noqa: T201 - the figures are what it is run for
            f"\n{sum(map(len, written))} facts, {KILLS} kills, {time.monotonic() - began:.0f} s, "
            f"{proxy.requests} requests: {dict(proxy.done)}",
        )
    status = shipping_status(journal, proxy.url)[0]
    assert (status.facts_behind, status.dead_letters) == (0, 0)
    facts = [fact for turn in written for fact in turn]
    check_traces(facts, server)
    check_runs(facts, server)


def kill_in_the_midst(proxy: FaultyProxy, shipper: "subprocess.Popen[bytes]", after_requests: int) -> None:
    last = proxy.requests + after_requests

    def kill(number: int) -> None:
        if number >= last:
            shipper.kill()

    proxy.on_request = kill
    assert shipper.wait(LONGEST_SECONDS) == -signal.SIGKILL
    proxy.on_request = lambda _number: None


def until_shipped(journal: Journal, tracking_uri: str, shipper: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while shipping_status(journal, tracking_uri)[0].facts_behind:
        assert shipper.poll() is None
        assert time.monotonic() < deadline, shipping_status(journal, tracking_uri)
        time.sleep(0.5)


def check_traces(facts: list[RunFact], server: str) -> None:
    traces = all_traces(server)
    assert sorted(trace.info.trace_id for trace in traces) == sorted(
        {f"tr-{fact.trace_id}" for fact in facts}
    )
    events = Counter(
        span.attributes.get("examsgraph.event_id") for trace in traces for span in trace.data.spans
    )
    del events[None]  # the levels of explorations
    assert events == Counter(fact.event_id for fact in facts)

    meter = Meter()
    calls = [meter.measure(fact) for fact in facts if isinstance(fact, LLMCall)]
    spans = [span for trace in traces for span in trace.data.spans]
    costs = [Decimal(str(cost)) for span in spans if (cost := span.attributes.get("examsgraph.cost_usd"))]
    assert sum(costs) == sum(call.cost_usd for call in calls if call.cost_usd is not None)
    shown = [(trace.info.token_usage or {}).get("total_tokens", 0) for trace in traces]
    assert sum(shown) == sum(call.total_tokens or 0 for call in calls)
    by_trace: dict[str, Decimal] = {}
    for call in calls:
        key = f"tr-{call.call.trace_id}"
        by_trace[key] = by_trace.get(key, Decimal(0)) + (call.cost_usd or 0)
    for trace in traces:
        cost = (trace.info.cost or {}).get("total_cost") or 0.0
        assert cost == pytest.approx(float(by_trace[trace.info.trace_id]), rel=1e-12)


def check_runs(facts: list[RunFact], server: str) -> None:
    explorations = {fact.event_id: fact for fact in facts if isinstance(fact, Exploration)}
    runs = all_runs(server)
    assert Counter(run.data.tags[EVENT_ID_TAG] for run in runs) == Counter(explorations.keys())
    client = MlflowClient(tracking_uri=server)
    for run in runs:
        measured = measure_path(explorations[run.data.tags[EVENT_ID_TAG]])
        assert run.info.status == "FINISHED"
        assert run.data.metrics["path_length"] == measured.path_length
        assert run.data.metrics["min_similarity"] == measured.min_similarity
        for name in run.data.metrics:
            assert len(client.get_metric_history(run.info.run_id, name)) == 1, name
        artifacts = sorted(artifact.path for artifact in client.list_artifacts(run.info.run_id))
        assert artifacts == ["final_explanation.txt", "graph_exploration_path.json"]


def all_traces(server: str) -> list[Trace]:
    client, found, token = MlflowClient(tracking_uri=server), [], None
    while True:
        page = client.search_traces(
            locations=[experiment_id(server, "ExamsGraph")], max_results=200, page_token=token
        )
        found.extend(page)
        token = page.token
        if not token:
            return found


def all_runs(server: str) -> list[Run]:
    client, experiment = MlflowClient(tracking_uri=server), experiment_id(server, "GraphRAG_Path_Tracing")
    return list(client.search_runs([experiment], max_results=5000))
