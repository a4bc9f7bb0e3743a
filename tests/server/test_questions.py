"""The document's questions, and those in its style, over real HTTP, of facts reported over it."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from examsgraph_callbacks.analytics.answers import (
    AverageCost,
    CostByHour,
    Margin,
    PathQuality,
    Period,
    Routing,
    TopFailedConcepts,
    UnderstandingByConcept,
)
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.server import Service, application
from examsgraph_callbacks.settings import Settings
from tests.server.served import Served, curl, serving
from tests.tracker.document import COSTS, EXPLORATION, FEEDBACK

FAILED = {"정규화": 42, "이상현상": 35, "함수 종속성": 28, "BCNF": 20, "조인": 15, "뷰": 3}
QUESTIONS = ("margin", "cost-by-hour", "routing", "understanding-by-concept", "path-quality")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that was told what the document's answers are made of."""
    with serving(tmp_path_factory.mktemp("served"), api_requests_per_second="1e9") as server:
        for path, body in told():
            assert httpx.post(f"{server.api}/{path}", json=body).status_code == 200
        yield server


def told() -> Iterator[tuple[str, dict[str, Any]]]:
    """Failures by each way in which their concept is known; 0.75 USD of user_001 and 1.25 of user_002."""
    for concept, count in FAILED.items():
        session, question = f"session {concept}", f"q {concept}"
        about = {"session_id": session, "question_id": question}
        yield "trace-graph-exploration", {**EXPLORATION, **about, "wrong_concept": concept}
        for number in range(count):
            named = {"concept": concept} if number % 2 else {}
            yield "log-user-feedback", {**FEEDBACK, **about, **named}
        yield "log-user-feedback", {"feedback_type": "thumbs_up", "understanding_score": 5, **about}
    yield "log-user-feedback", {**FEEDBACK, "session_id": "nobody knows"}
    for cost in (0.5, 0.25):
        yield "log-llm-cost", {**COSTS[1], "user_id": "user_001", "estimated_cost": cost}
    yield "log-llm-cost", {**COSTS[0], "user_id": "user_002", "estimated_cost": 1.25}


def test_the_top_five_failed_concepts_are_those_of_the_document(served: Served) -> None:
    status, answer = curl(f"{served.api}/analytics/top-failed-concepts?limit=5")

    assert status == 200
    assert answer["data"] == [
        {"concept": "정규화", "failure_count": 42},
        {"concept": "이상현상", "failure_count": 35},
        {"concept": "함수 종속성", "failure_count": 28},
        {"concept": "BCNF", "failure_count": 20},
        {"concept": "조인", "failure_count": 15},
    ]
    assert answer["unattributed"] == 1
    assert datetime.fromisoformat(answer["generated_at"]).tzinfo is not None


def test_the_average_cost_of_the_documents_user_is_its_own(served: Served) -> None:
    status, answer = curl(f"{served.api}/analytics/average-cost?user_id=user_001")

    assert status == 200
    assert [*answer["data"].items()][:3] == [
        ("average_cost_usd", 0.75),
        ("average_cost_krw", 975),
        ("user_id", "user_001"),
    ]
    assert (answer["data"]["calls"], answer["data"]["unpriced_share"]) == (2, 0)


def test_the_margin_is_the_decision_that_the_document_takes(served: Served) -> None:
    _, average = curl(f"{served.api}/analytics/average-cost")
    _, answer = curl(f"{served.api}/analytics/margin")

    assert (average["data"]["average_cost_usd"], average["data"]["users"]) == (1, 2)
    margin = answer["data"]
    assert (margin["subscription_krw"], margin["average_cost_krw"], margin["margin_krw"]) == (
        10_000,
        1300,
        8700,
    )
    assert (margin["margin_share"], margin["verdict"], margin["users"]) == (0.87, "sustainable", 2)


def test_a_fact_that_was_acknowledged_is_in_the_next_answer(served: Served) -> None:
    url = f"{served.api}/analytics/understanding-by-concept"
    before = {each["concept"]: each["scores"] for each in curl(url)[1]["data"]["concepts"]}
    curl(f"{served.api}/log-user-feedback", {**FEEDBACK, "feedback_type": "thumbs_up", "concept": "뷰"})
    after = {each["concept"]: each["scores"] for each in curl(url)[1]["data"]["concepts"]}
    assert after["뷰"] == before["뷰"] + 1


def test_routes_carry_what_was_said_of_the_answers(served: Served) -> None:
    routes = {
        each["served_model"]: each for each in curl(f"{served.api}/analytics/routing")[1]["data"]["routes"]
    }
    assert routes["gpt-4o"]["qualities"] == {"excellent": 2}
    assert routes["gpt-4o"]["cost_usd"] == 0.75
    assert routes["gpt-4o"]["misroutes"] == 0


def test_paths_and_hours_are_answered_for(served: Served) -> None:
    paths = curl(f"{served.api}/analytics/path-quality")[1]["data"]
    assert (paths["explorations"], paths["average_path_length"]) == (len(FAILED), 3)
    assert {each["relation"]: each["anomalous_share"] for each in paths["relations"]}["관련"] == 1
    hours = curl(f"{served.api}/analytics/cost-by-hour")[1]["data"]
    assert hours["time_zone"] == "Asia/Seoul"
    assert sum(hour["cost_usd"] for hour in hours["hours"]) == 2


@pytest.mark.parametrize("question", ["top-failed-concepts", "average-cost", *QUESTIONS])
def test_a_period_bounds_the_answer_and_an_empty_one_is_no_error(served: Served, question: str) -> None:
    url = f"{served.api}/analytics/{question}"
    assert curl(f"{url}?since=2001-01-01&until=2001-02-01T00:00:00Z")[0] == 200


def test_what_is_outside_the_period_does_not_count(served: Served) -> None:
    url = f"{served.api}/analytics/average-cost"
    assert curl(f"{url}?since=2025-01-01")[1]["data"]["calls"] == 3
    nothing = curl(f"{url}?until=2025-01-01")[1]["data"]
    assert (nothing["calls"], nothing["average_cost_usd"], nothing["unpriced_share"]) == (0, None, None)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("limit=0", "expected limit to be greater than or equal to 1, got '0'"),
        ("limit=viele", "expected limit to be a valid integer"),
        ("since=gestern", "expected since to be a time such as 2025-01-15T10:30:00\\+09:00.* got 'gestern'"),
        ("since=1700000000", "expected since to be a time such as"),
        (
            "since=2025-01-02&until=2025-01-01",
            "expected until to be later than since, .* got 2024-12-31T15:00",
        ),
        ("since=0001-01-01", "expected since to be a time from year 1 to 9999 in UTC, got 0001-01-01"),
    ],
)
def test_a_parameter_that_is_none_is_told(served: Served, query: str, told: str) -> None:
    import re

    status, answer = curl(f"{served.api}/analytics/top-failed-concepts?{query}")
    assert status == 422
    assert re.search(told, answer["error"]["message"]), answer


def test_under_a_key_a_user_is_found_by_the_id_that_the_application_knows(tmp_path: Path) -> None:
    with serving(tmp_path, user_key="sixteen bytes or more") as server:
        curl(f"{server.api}/log-llm-cost", {**COSTS[1], "user_id": "user_001"})
        answer = curl(f"{server.api}/analytics/average-cost?user_id=user_001")[1]["data"]
        assert (answer["average_cost_usd"], answer["user_id"]) == (0.05, "user_001")
        assert server.facts()[0].user_id != "user_001"


class Slow:
    """Questions that take until they are let go, and note how many are asked at once."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked = threading.Event()
        self.at_once = 0
        self.most_at_once = 0

    def margin(self, period: Period) -> Margin:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.asked.set()
        assert self.go.wait(60)
        self.at_once -= 1
        raise RuntimeError("a path such as /home/somebody in its text")

    def top_failed_concepts(self, limit: int, period: Period) -> TopFailedConcepts:
        raise NotImplementedError

    def average_cost(self, user_id: str | None, period: Period) -> AverageCost:
        raise NotImplementedError

    def cost_by_hour(self, period: Period) -> CostByHour:
        raise NotImplementedError

    def routing(self, period: Period) -> Routing:
        raise NotImplementedError

    def understanding_by_concept(self, period: Period) -> UnderstandingByConcept:
        raise NotImplementedError

    def path_quality(self, period: Period) -> PathQuality:
        raise NotImplementedError


async def test_reports_go_on_while_one_question_at_a_time_is_worked_out(tmp_path: Path) -> None:
    slow = Slow()
    service = Service(Journal(tmp_path), Settings(), guarded=False, questions=slow)
    transport = httpx.ASGITransport(application(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        asking = [asyncio.create_task(client.get("/v1/mlflow/analytics/margin")) for _ in range(20)]
        await asyncio.to_thread(slow.asked.wait, 60)
        reported = await client.post("/v1/mlflow/log-user-feedback", json=FEEDBACK)
        assert reported.status_code == 200
        assert not slow.go.is_set()
        slow.go.set()
        answers = await asyncio.gather(*asking)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(500), statuses.count(503)) == (16, 4)
    assert slow.most_at_once == 1
    assert all("somebody" not in answer.text for answer in answers)
