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
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, Trace

from examsgraph_callbacks.deliver import shipping_status
from examsgraph_callbacks.deliver.runs import KEY_TAG
from examsgraph_callbacks.events import Exploration, Fact, Feedback, LLMCall, PromptComparison, RunFact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter, measure_path
from tests.deliver.factories import comparison, feedback, full_turn, hex_id, small_turn
from tests.deliver.readback import experiment_id
from tests.servers.faulty_proxy import FaultyProxy
from tests.servers.mlflow_server import running_mlflow
from tests.servers.postgresql_server import running_postgresql

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

FACTS = int(os.environ.get("EXAMSGRAPH_SOAK_FACTS", "400"))
KILLS = int(os.environ.get("EXAMSGRAPH_SOAK_KILLS", "4"))
SEED = int(os.environ.get("EXAMSGRAPH_SOAK_SEED", "20260115"))
TIMEOUT_SECONDS = "5"
LONGEST_SECONDS = 1800
COMPARED = "v1_strict"
"""The variant whose turn a comparison names."""


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A server of this test's own, so that all it holds can be counted."""
    with ExitStack() as stack:
        database = f"sqlite:///{tmp_path / 'server.db'}"
        if request.param == "postgresql":
            database = stack.enter_context(running_postgresql())
        data = ["--backend-store-uri", database, "--artifacts-destination", str(tmp_path / "artifacts")]
        yield stack.enter_context(running_mlflow(["server", *data, "--workers", "1"], tmp_path))


def turns() -> Iterator[list[Fact]]:
    """Turns of `FACTS` facts in all.

    One in six has feedback, an exploration, a tool and a failed call, and one in 24 is compared with others.
    """
    count = number = 0
    while count < FACTS:
        turn = f"soak {number}"
        facts: list[Fact] = [*small_turn(turn, after_seconds=number)]
        if number % 6 == 0:
            # as often as not before its turn
            facts = [feedback(turn), *full_turn(turn)] if number % 12 else [*full_turn(turn), feedback(turn)]
        if number % 24 == 0:
            facts = [comparison(f"of {turn}", trace_ids={COMPARED: hex_id(turn)}), *facts]
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
    runs = [fact for fact in facts if isinstance(fact, RunFact)]
    check_traces(runs, server)
    check_runs(runs, server)
    check_costs(runs, server)
    check_feedback([fact for fact in facts if isinstance(fact, Feedback)], server)
    check_prompts([fact for fact in facts if isinstance(fact, PromptComparison)], runs, server)


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
        assert cost == float(by_trace[trace.info.trace_id])


def check_runs(facts: list[RunFact], server: str) -> None:
    explorations = {fact.event_id: fact for fact in facts if isinstance(fact, Exploration)}
    runs = all_runs(server, "GraphRAG_Path_Tracing")
    assert Counter(run.data.tags[KEY_TAG] for run in runs) == Counter(explorations.keys())
    client = MlflowClient(tracking_uri=server)
    for run in runs:
        measured = measure_path(explorations[run.data.tags[KEY_TAG]])
        assert run.info.status == "FINISHED"
        assert run.data.metrics["path_length"] == measured.path_length
        assert run.data.metrics["min_similarity"] == measured.min_similarity
        for name in run.data.metrics:
            assert len(client.get_metric_history(run.info.run_id, name)) == 1, name
        path = "graph_exploration_path"
        artifacts = sorted(artifact.path for artifact in client.list_artifacts(run.info.run_id))
        assert artifacts == ["final_explanation.txt", f"{path}.html", f"{path}.json", f"{path}.svg"]


def check_costs(facts: list[RunFact], server: str) -> None:
    meter, client = Meter(), MlflowClient(tracking_uri=server)
    calls = [meter.measure(fact) for fact in facts if isinstance(fact, LLMCall)]
    held: Counter[tuple[str, int, float]] = Counter()
    for run in all_runs(server, "LLM_Cost"):
        for name in ("latency_ms", "total_tokens", "estimated_cost_usd"):
            if name in run.data.metrics:
                history = client.get_metric_history(run.info.run_id, name)
                held.update((name, point.timestamp, point.value) for point in history)
        ours = [
            call
            for call in calls
            if (call.call.served_model or call.call.requested_model) == run.data.tags["served_model"]
            and call.call.task_type == run.data.tags.get("task_type")
        ]
        costs = [call.cost_usd for call in ours if call.cost_usd is not None]
        assert run.data.metrics["day_calls"] == len(ours)
        assert run.data.metrics.get("day_cost_usd", 0) == float(sum(costs))
        assert run.data.metrics["unpriced_calls"] == len(ours) - len(costs)
    expected: Counter[tuple[str, int, float]] = Counter()
    for call in calls:
        figures = {
            "latency_ms": call.call.latency_ms,
            "total_tokens": call.total_tokens,
            "estimated_cost_usd": None if call.cost_usd is None else float(call.cost_usd),
        }
        at = round(call.call.started_at.timestamp() * 1000)
        expected.update((name, at, value) for name, value in figures.items() if value is not None)
    assert held == expected


def check_feedback(given: list[Feedback], server: str) -> None:
    runs, client = all_runs(server, "User_Feedback"), MlflowClient(tracking_uri=server)
    assert Counter(run.data.tags[KEY_TAG] for run in runs) == Counter(each.event_id for each in given)
    for run in runs:
        assert (run.info.status, run.data.tags["status"]) == ("FINISHED", "review_needed")
        assert run.data.metrics == {"satisfaction": 0, "understanding_score": 2}
        for name in run.data.metrics:
            assert len(client.get_metric_history(run.info.run_id, name)) == 1, name
        artifacts = sorted(artifact.path for artifact in client.list_artifacts(run.info.run_id))
        assert artifacts == ["ai_explanation.txt", "followup_text.txt"]
    said = Counter(
        (trace.info.trace_id, assessment.name)
        for trace in all_traces(server)
        for assessment in trace.info.assessments
    )
    names = ("satisfaction", "understanding_score")
    assert said == Counter((f"tr-{each.trace_id}", name) for each in given for name in names)


def check_prompts(given: list[PromptComparison], facts: list[RunFact], server: str) -> None:
    meter, client = Meter(), MlflowClient(tracking_uri=server)
    runs = {run.data.tags[KEY_TAG]: run for run in all_runs(server, "Prompt_Experimentation")}
    assert len(runs) == len(all_runs(server, "Prompt_Experimentation")) == 4 * len(given)
    for each in given:
        for variant, response in each.generated_responses.items():
            run = runs[f"{each.event_id}/{variant}"]
            assert run.data.tags["mlflow.parentRunId"] == runs[each.event_id].info.run_id
            assert (run.info.status, runs[each.event_id].info.status) == ("FINISHED", "FINISHED")
            metrics: dict[str, float] = {"response_length": len(response)}
            if variant == COMPARED:
                calls = [meter.measure(fact) for fact in facts if isinstance(fact, LLMCall)]
                ours = [call for call in calls if call.call.trace_id == each.trace_ids[variant]]
                metrics["total_tokens"] = sum(call.total_tokens or 0 for call in ours)
                metrics["estimated_cost_usd"] = float(sum(call.cost_usd or 0 for call in ours))
            assert run.data.metrics == metrics
            for name in metrics:
                assert len(client.get_metric_history(run.info.run_id, name)) == 1, name
            artifacts = sorted(artifact.path for artifact in client.list_artifacts(run.info.run_id))
            assert artifacts == ["prompt.txt", "response.txt"]
            assert len(client.search_prompt_versions(variant)) == 1


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


def all_runs(server: str, experiment: str) -> list[Run]:
    client = MlflowClient(tracking_uri=server)
    return list(client.search_runs([experiment_id(server, experiment)], max_results=5000))
