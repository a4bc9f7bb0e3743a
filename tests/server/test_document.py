"""The bodies of the product's document, sent as they stand by real curl, become facts on disk."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from examsgraph_callbacks.events import Exploration, Feedback, LLMCall, PromptComparison
from tests.server.served import Served, curl
from tests.tracker.document import COMPARISON, COSTS, EXPLORATION, FEEDBACK

SENT = [
    ("trace-graph-exploration", EXPLORATION, Exploration),
    ("compare-prompts", COMPARISON, PromptComparison),
    ("log-user-feedback", FEEDBACK, Feedback),
    ("log-llm-cost", COSTS[0], LLMCall),
    ("log-llm-cost", COSTS[1], LLMCall),
]


def test_each_body_becomes_its_fact_and_the_answer_names_it(served: Served) -> None:
    sent = [curl(f"{served.api}/{path}", body) for path, body, _ in SENT]

    assert [status for status, _ in sent] == [200] * len(SENT)
    facts = served.facts()
    assert [type(fact) for fact in facts] == [kind for _, _, kind in SENT]
    assert [answer["data"] for _, answer in sent] == [{"event_id": fact.event_id} for fact in facts]
    assert all(datetime.fromisoformat(answer["generated_at"]).tzinfo for _, answer in sent)
    exploration, comparison, feedback, _, call = facts
    assert isinstance(exploration, Exploration)
    assert [hop.next_node for hop in exploration.hops] == ["제1정규형", "이상현상", "SQL 문법"]
    assert exploration.final_explanation == EXPLORATION["final_explanation"]
    assert isinstance(comparison, PromptComparison)
    assert comparison.generated_responses == COMPARISON["generated_responses"]
    assert isinstance(feedback, Feedback)
    assert feedback.followup_text == "무슨 말인지 더 쉽게 설명해줘"
    assert isinstance(call, LLMCall)
    assert (call.stated_cost_usd, call.response_quality) == (Decimal("0.05"), "excellent")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("log-user-feedback", {"user_feedback": "thumbs_up", "session_id": "s", "user_id": "user_001"}),
        ("log-user-feedback", {"feedback_type": "thumbs_up", "understanding_score": None}),
        ("trace-graph-exploration", {**EXPLORATION, "retrieval_params": {"depth": 3, "threshold": 0.7}}),
        ("log-llm-cost", {**COSTS[0], "estimated_cost": None}),
    ],
)
def test_the_names_from_python_do_as_well_and_null_is_not_given(
    served: Served, path: str, body: dict[str, Any]
) -> None:
    assert curl(f"{served.api}/{path}", body)[0] == 200
    assert len(served.facts()) == 1


def test_what_is_wrong_is_told_with_field_what_came_and_what_is_allowed(served: Served) -> None:
    status, answer = curl(f"{served.api}/log-user-feedback", {**FEEDBACK, "understanding_score": 9})

    allowed = "a whole number from 1 (not understood at all) to 5 (understood completely)"
    assert status == 422
    assert answer == {
        "error": {
            "message": f"expected understanding_score to be {allowed}, got 9",
            "field": "understanding_score",
            "came": "9",
            "allowed": allowed,
        },
    }
    assert served.facts() == []


def test_openapi_carries_the_documents_examples(served: Served) -> None:
    _, described = curl(f"{served.url}/openapi.json")

    sent = [
        example["value"]
        for path in ("trace-graph-exploration", "compare-prompts", "log-user-feedback", "log-llm-cost")
        for example in described["paths"][f"/v1/mlflow/{path}"]["post"]["requestBody"]["content"][
            "application/json"
        ]["examples"].values()
    ]
    assert sent == [body for _, body, _ in SENT]
