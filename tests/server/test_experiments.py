"""Prompts are handed out over HTTP as in code, and a whole experiment is run, shipped and decided."""

import asyncio
import json
import random
import socket
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from mlflow import MlflowClient

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.events import Exposure, PromptExperimentPlan
from examsgraph_callbacks.experiments import load_experiments
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.segment import Segment
from examsgraph_callbacks.server import Service, api_router, application
from examsgraph_callbacks.settings import Settings
from tests.deliver.readback import artifacts_of
from tests.experiments.classes import plan
from tests.server.served import Served, curl, serving
from tests.servers.mlflow_server import mlflow_server
from tests.tracker.document import COMPARISON

__all__ = ["mlflow_server"]

EXPERIMENTS = """
[experiments.tone]
minimum_effect = 0.2
[experiments.tone.variants]
v1_strict = "당신은 엄격한 교수입니다. 학생이 틀렸을 때 명확히 지적하세요."
v2_friendly = "당신은 친절한 코치입니다. 학생의 노력을 인정하면서 부드럽게 설명하세요."
v3_encouraging = "당신은 격려형 멘토입니다. 실수를 긍정적으로 받아들이게 하세요."

[experiments.nobody]
coverage = 0.0
[experiments.nobody.variants]
a = "A"
b = "B"
"""
LEARNERS = [f"user_{number:04}" for number in range(400)]
SATISFIED = {"v1_strict": 0.45, "v2_friendly": 0.8, "v3_encouraging": 0.7}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "experiments.toml"
    path.write_text(EXPERIMENTS, encoding="utf-8")
    return path


@pytest.fixture
async def in_two_days(tmp_path: Path, file: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, served on this machine, whose experiments are looked at in two days.

    By then the day is over on which the test runs, and the next one too, into which it may run.
    """
    settings = Settings(experiments=file, api_requests_per_second=1e9)
    app = FastAPI()
    later = datetime.now(UTC) + timedelta(days=2)
    app.include_router(api_router(Service(Journal(tmp_path / "journal"), settings), lambda: later))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    # listening already: who connects before the server is there waits for it
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/v1/mlflow"
        async with httpx.AsyncClient(base_url=address) as client:
            yield client
        server.should_exit = True
        await asyncio.to_thread(thread.join)


async def post(client: httpx.AsyncClient, path: str, body: object) -> dict[str, Any]:
    answer = await client.post(f"/{path}", json=body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def test_a_real_server_hands_out_what_code_does_and_keeps_to_it_after_a_restart(
    tmp_path: Path, file: Path
) -> None:
    tone = load_experiments(file)["tone"]
    about = {"user_id": "user_001", "session_id": "session_123", "question_id": "q_002"}

    def asked(served: Served) -> Any:
        status, answer = curl(f"{served.api}/experiments/tone/hand-out", about)
        assert status == 200
        return answer["data"]

    given = []
    for _ in range(2):
        with serving(tmp_path / "served", experiments=str(file)) as served:
            given += [asked(served), asked(served)]
            facts = served.facts()
    variant = tone.assign("user_001").variant
    expected = {"experiment": "tone", "variant": variant, "prompt": tone.variants[variant]}
    assert given == [{**expected, "in_experiment": True, "reason": "in_experiment"}] * 4
    exposures = [fact for fact in facts if isinstance(fact, Exposure)]
    assert [(each.prompt_variant, each.question_id) for each in exposures] == [(variant, "q_002")] * 4
    assert sum(isinstance(fact, PromptExperimentPlan) for fact in facts) == 2


async def test_who_is_kept_out_has_the_control_and_no_exposure(
    in_two_days: httpx.AsyncClient, tmp_path: Path
) -> None:
    given = await post(in_two_days, "experiments/nobody/hand-out", {"user_id": "user_001"})
    assert (given["variant"], given["in_experiment"], given["reason"]) == ("a", False, "coverage")
    assert [*Journal(tmp_path / "journal").read()] == []


async def test_a_full_disk_is_told_and_nothing_is_handed_out(
    in_two_days: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(in_two_days, "experiments/tone/hand-out", {"user_id": "user_001"})

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Segment, "append", full)
        refused = await in_two_days.post("/experiments/tone/hand-out", json={"user_id": "user_002"})
    assert refused.status_code == 503
    assert "No space left" in refused.json()["error"]["message"]
    exposures = [fact for fact in Journal(tmp_path / "journal").read() if isinstance(fact, Exposure)]
    assert [fact.user_id for fact in exposures] == ["user_001"]


async def test_what_is_not_there_is_told(in_two_days: httpx.AsyncClient) -> None:
    unknown = await in_two_days.post("/experiments/length/hand-out", json={"user_id": "user_001"})
    assert unknown.status_code == 404
    assert "(tone, nobody)" in unknown.json()["error"]["message"]
    early = await in_two_days.get("/experiments/tone/report")
    assert early.status_code == 404
    nobody = await in_two_days.post("/experiments/tone/hand-out", json={"question_id": "q_001"})
    assert (nobody.status_code, nobody.json()["error"]["field"]) == (422, "user_id")


def exposed(user_id: str, variant: str, at: datetime) -> Exposure:
    return Exposure(
        event_id=f"given {user_id}",
        started_at=at,
        experiment="tone",
        user_id=user_id,
        prompt_variant=variant,
    )


async def test_a_report_is_worked_out_once_while_the_journal_stays_and_never_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [datetime(2025, 3, 20, tzinfo=UTC)]
    journal, read = Journal(tmp_path / "journal"), list[str]()
    real = Journal.read

    def counted(given: Journal, *arguments: Any, **named: Any) -> Any:
        read.append("journal")
        return real(given, *arguments, **named)

    monkeypatch.setattr(Journal, "read", counted)
    weights = {"v1_strict": 0.5, "v2_friendly": 0.5}
    journal.write(plan(weights, started_at=now[0] - timedelta(days=3)))
    app = FastAPI()
    app.include_router(api_router(Service(journal, Settings(), guarded=False), lambda: now[0]))

    async def exposures(client: httpx.AsyncClient) -> tuple[int, int]:
        for _ in range(2):
            answer = await client.get("/v1/mlflow/experiments/tone/report")
            assert (await client.get("/v1/mlflow/experiments/tone/page")).status_code == 200
        told = len(read)
        read.clear()
        return sum(arm["exposures"] for arm in answer.json()["data"]["arms"]), told

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        for number in range(3):
            journal.write(exposed(f"user_{number}", "v1_strict", now[0] - timedelta(days=2)))
            assert await exposures(client) == (number + 1, 1), "at once what was written last"
        journal.write(exposed("user_9", "v2_friendly", now[0] + timedelta(hours=1)))
        assert await exposures(client) == (3, 1), "today is not over"
        now[0] += timedelta(days=1)
        assert await exposures(client) == (4, 1), "by tomorrow it is"
        for number in range(3):
            unknown = await client.get(f"/v1/mlflow/experiments/nobodys_{number}/report")
            assert unknown.status_code == 404
            assert "(tone)" in unknown.json()["error"]["message"]
        assert read == [], "of a name that is not there the journal is not read"


async def test_without_a_file_it_is_told_what_to_set(tmp_path: Path) -> None:
    app = application(Service(Journal(tmp_path)))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.post("/v1/mlflow/experiments/tone/hand-out", json={"user_id": "u"})
    assert answer.status_code == 404
    assert "set EXAMSGRAPH_EXPERIMENTS" in answer.json()["error"]["message"]


async def test_a_whole_experiment(
    in_two_days: httpx.AsyncClient, tmp_path: Path, file: Path, mlflow_server: str
) -> None:
    """Three variants are compared, scored, handed out and reacted to: one loses learners, one wins."""
    tone = load_experiments(file)["tone"]
    compared = await post(in_two_days, "compare-prompts", COMPARISON)
    for variant, score in {"v1_strict": 2.0, "v2_friendly": 4.5, "v3_encouraging": 4.0}.items():
        body = {"comparison_id": compared["event_id"], "prompt_variant": variant, "score": score}
        await post(in_two_days, "score-prompt", body)
    dice = random.Random(20)
    for user_id in LEARNERS:
        # v3's page does not open for half of them
        if tone.assign(user_id).variant == "v3_encouraging" and dice.random() < 0.5:
            continue
        about = {"session_id": f"session of {user_id}", "question_id": "q_002"}
        given = await post(in_two_days, "experiments/tone/hand-out", {"user_id": user_id, **about})
        if dice.random() < 0.8:
            liked = dice.random() < SATISFIED[given["variant"]]
            said = {"feedback_type": "thumbs_up" if liked else "thumbs_down"}
            await post(in_two_days, "log-user-feedback", {**about, **said})

    answer = await in_two_days.get("/experiments/tone/report")
    report = answer.json()["data"]
    friendly, encouraging = report["comparisons"]
    assert (friendly["variant"], friendly["verdict"]) == ("v2_friendly", "better")
    assert friendly["low"] > 0
    assert (encouraging["variant"], encouraging["verdict"]) == ("v3_encouraging", "invalid")
    assert encouraging["sample_ratio_p_value"] < 0.001
    assert report["sentences"][0].startswith("v2_friendly is better than v1_strict: satisfaction +0.")
    assert "where 50.0% were planned" in report["sentences"][1]
    assert all(0.7 < arm["response_rate"]["value"] < 0.9 for arm in report["arms"])
    page = await in_two_days.get("/experiments/tone/page")
    assert page.headers["content-type"].startswith("text/html")
    assert "v2_friendly is better than v1_strict" in page.text

    ship(Journal(tmp_path / "journal"), mlflow_server)
    client = MlflowClient(tracking_uri=mlflow_server)
    experiment = client.get_experiment_by_name("Prompt_Experimentation")
    assert experiment is not None
    runs = client.search_runs(
        [experiment.experiment_id], "params.question_id = 'q_002' AND params.variant != ''"
    )
    found = {run.data.params["variant"]: run.data.metrics for run in runs}
    # what Compare Runs shows side by side
    assert found == {
        "v1_strict": {"response_length": 41, "manual_score": 2.0},
        "v2_friendly": {"response_length": 42, "manual_score": 4.5},
        "v3_encouraging": {"response_length": 48, "manual_score": 4.0},
    }
    for run in runs:
        variant = run.data.params["variant"]
        assert artifacts_of(mlflow_server, run)["response.txt"] == COMPARISON["generated_responses"][variant]
    print("\n" + json.dumps(report["sentences"], ensure_ascii=False, indent=1))  # noqa: T201
