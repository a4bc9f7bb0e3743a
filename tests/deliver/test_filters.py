"""The filters of the product's document, and those the team saved, find the right rows in MLflow."""

import pytest
from mlflow import MlflowClient

from tests.deliver.factories import hex_id
from tests.deliver.readback import experiment_id, found


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
