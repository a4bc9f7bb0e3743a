"""The filters of the product's document, and those the team saved, find the right rows in MLflow."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.events import Fact, RunFact
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import comparison, exploration, feedback, hex_id, llm_call, turn_root
from tests.deliver.readback import experiment_id, found
from tests.servers.mlflow_server import running_mlflow

DAY = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)

MINI = {"requested_model": "gpt-4o-mini", "served_model": "gpt-4o-mini-2024-07-18"}
LARGE = {"requested_model": "gpt-4o", "served_model": "gpt-4o-2024-08-06"}


def turn(name: str, concept: str, question: str, **call: Any) -> Iterator[RunFact]:
    about: dict[str, Any] = {"wrong_concept": concept, "question_id": question}
    yield exploration(name, query=name, **about)
    yield llm_call(name, **{**LARGE, "task_type": "complex_reasoning", **about, **call})
    yield turn_root(name, **about)


def lesson() -> Iterator[Fact]:
    yield from turn("normal form", "정규화", "q_001")
    yield from turn("normal form again", "정규화", "q_002", task_type="simple_greeting")
    yield from turn("anomaly", "이상현상", "q_003", **MINI, prompt_variant="v1_strict")
    yield from turn("join", "조인 (JOIN)", "q_004", **MINI, task_type="simple_greeting")
    yield from turn("tomorrow", "뷰", "q_005", started_at=DAY + timedelta(days=1))
    yield feedback("normal form", question_id="q_001")
    yield feedback("normal form again", question_id="q_002", feedback_type="thumbs_up", understanding_score=2)
    yield feedback("anomaly", question_id="q_003", feedback_type="thumbs_up", understanding_score=5)
    yield feedback("join", question_id="q_004", feedback_type="followup_question", understanding_score=3)
    yield comparison()


@pytest.fixture(scope="module", params=["server", "sqlite"])
def taught(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A lesson, shipped to an MLflow that holds nothing else."""
    folder: Path = tmp_path_factory.mktemp("taught")
    journal = Journal(folder / "journal")
    for fact in lesson():
        journal.write(fact)
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    if request.param == "sqlite":
        ship(journal, uri)
        yield uri
        return
    command = ["server", "--backend-store-uri", uri, "--artifacts-destination", str(folder / "artifacts")]
    with running_mlflow([*command, "--workers", "1"], folder) as server:
        ship(journal, server)
        yield server


def questions(tracking_uri: str, experiment: str, filter_string: str) -> list[str]:
    return sorted(run.data.tags["question_id"] for run in found(tracking_uri, experiment, filter_string))


@pytest.mark.parametrize(
    ("filter_string", "rows"),
    [
        ('tags.wrong_concept = "정규화"', ["q_001", "q_002"]),
        ('tags.wrong_concept = "이상현상"', ["q_003"]),
        ('tags.wrong_concept = "조인 (JOIN)"', ["q_004"]),
        ('tags.wrong_concept = "정규"', []),
        ('tags.wrong_concept LIKE "%현상"', ["q_003"]),
        (
            "metrics.exploration_depth >= 3 AND metrics.path_length = 3 AND tags.question_id = 'q_001'",
            ["q_001"],
        ),
        ("metrics.exploration_depth >= 5", []),
        ("metrics.anomalous_hops > 0 AND tags.wrong_concept = '뷰'", ["q_005"]),
        (
            "metrics.min_similarity < 0.5 AND params.similarity_threshold = '0.7'",
            [f"q_00{n}" for n in range(1, 6)],
        ),
    ],
)
def test_explorations(filter_string: str, rows: list[str], taught: str) -> None:
    assert questions(taught, "GraphRAG_Path_Tracing", filter_string) == rows


@pytest.mark.parametrize(
    ("filter_string", "rows"),
    [
        ('tags.status = "review_needed"', ["q_001", "q_002"]),
        ('tags.status != "review_needed"', ["q_003", "q_004"]),
        ('tags.status = "review_needed" AND tags.concept = "정규화"', ["q_001", "q_002"]),
        ("metrics.satisfaction = 0", ["q_001"]),
        ("metrics.satisfaction = 1", ["q_002", "q_003"]),
        ("metrics.understanding_score <= 3", ["q_001", "q_002", "q_004"]),
        ('tags.feedback_type = "followup_question"', ["q_004"]),
        ('tags.concept = "조인 (JOIN)" AND tags.user_id = "user_001"', ["q_004"]),
        ('tags.session_id = "session_124"', []),
    ],
)
def test_feedback(filter_string: str, rows: list[str], taught: str) -> None:
    assert questions(taught, "User_Feedback", filter_string) == rows


@pytest.mark.parametrize(
    ("filter_string", "rows"),
    [
        (
            'tags.model = "gpt-4o"',
            [
                "gpt-4o complex_reasoning 2026-01-15",
                "gpt-4o complex_reasoning 2026-01-16",
                "gpt-4o simple_greeting 2026-01-15",
            ],
        ),
        (
            'tags.model = "gpt-4o" AND tags.day = "2026-01-15" AND tags.misrouted = "true"',
            ["gpt-4o simple_greeting 2026-01-15"],
        ),
        (
            'tags.model = "gpt-4o-mini" AND metrics.misroutes > 0',
            ["gpt-4o-mini complex_reasoning 2026-01-15"],
        ),
        (
            'tags.task_type = "simple_greeting" AND tags.served_model = "gpt-4o-mini-2024-07-18"',
            ["gpt-4o-mini simple_greeting 2026-01-15"],
        ),
        ("metrics.day_cost_usd > 50", []),
    ],
)
def test_cost(filter_string: str, rows: list[str], taught: str) -> None:
    runs = found(taught, "LLM_Cost", filter_string)
    assert sorted(str(run.info.run_name) for run in runs) == rows
    for run in runs:
        assert {"estimated_cost_usd", "total_tokens", "latency_ms"} <= run.data.metrics.keys()


@pytest.mark.parametrize(
    ("filter_string", "rows"),
    [
        ("metrics.response_length > 0", ["v1_strict", "v2_friendly", "v3_encouraging"]),
        ('params.variant = "v2_friendly"', ["v2_friendly"]),
        (
            'tags.variant LIKE "v%" AND tags.question_id = "q_002" AND metrics.response_length < 42',
            ["v1_strict"],
        ),
    ],
)
def test_prompt_variants(filter_string: str, rows: list[str], taught: str) -> None:
    runs = found(taught, "Prompt_Experimentation", filter_string)
    assert sorted(str(run.info.run_name) for run in runs) == rows


@pytest.mark.parametrize(
    ("filter_string", "rows"),
    [
        ("tags.wrong_concept = '정규화'", ["normal form", "normal form again"]),
        ("tags.question_id = 'q_003'", ["anomaly"]),
        ("tags.task_type = 'simple_greeting'", ["join", "normal form again"]),
        ("tags.misrouted = 'true'", ["anomaly", "normal form again"]),
        ("tags.prompt_variant = 'v1_strict'", []),  # the root's own goes before the call's
        ("metadata.`mlflow.trace.user` = 'user_001' AND tags.wrong_concept = '뷰'", ["tomorrow"]),
        ("metadata.`mlflow.trace.session` = 'session_123' AND tags.question_id = 'q_004'", ["join"]),
        ("feedback.understanding_score <= 2", ["normal form", "normal form again"]),
        ("feedback.satisfaction < 1", ["normal form"]),
        ("trace.name = 'tutor' AND tags.question_id = 'q_005'", ["tomorrow"]),
    ],
)
def test_traces(filter_string: str, rows: list[str], taught: str) -> None:
    names = {
        f"tr-{hex_id(name)}": name
        for name in ("normal form", "normal form again", "anomaly", "join", "tomorrow")
    }
    traces = MlflowClient(tracking_uri=taught).search_traces(
        locations=[experiment_id(taught, "ExamsGraph")],
        filter_string=filter_string,
        include_spans=False,
    )
    assert sorted(names[trace.info.trace_id] for trace in traces) == rows
