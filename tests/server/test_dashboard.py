"""What the dashboard page is fed by: right figures, narrowed as asked, told anew only where they changed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.analytics.dashboard import DashboardQuestions
from examsgraph_callbacks.events import Hop
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.settings import Settings
from tests.alerts.watching import Watching, not_understood
from tests.analytics.facts import answered, document_path, explored, feedback, greeted, silent
from tests.experiments.classes import plan
from tests.server.dashboard_page import CHEAP, DEAR, GREAT, NOON, SMALL, Page


async def test_today_and_this_month_stand_against_what_learners_pay(page: Page) -> None:
    page.write(answered(), greeted(), silent())
    page.write(answered(user_id="user_002"), days_ago=5)
    page.write(answered(user_id="user_003"), days_ago=20)  # in February
    unpriced = answered(requested_model="tutor-ko-7b", served_model="tutor-ko-7b")
    page.write(unpriced, days_ago=3)
    told = await page.data("dashboard/spending")
    today, month = told["today"], told["month"]
    assert (today["since"], month["since"]) == ("2025-03-15", "2025-03-01")
    assert (today["calls"], today["learners"]) == (3, 1)
    assert today["cost_usd"] == pytest.approx(DEAR + CHEAP + 8 * 2.5e-6 + 1e-5)
    assert today["cost_krw"] == pytest.approx(1300 * today["cost_usd"])
    assert (today["unpriced_calls"], today["estimated_calls"]) == (0, 1)
    # two learners who called in March pay 10,000 won each; a day is one of 31
    assert month["income_krw"] == 20_000
    assert today["income_krw"] == pytest.approx(20_000 / 31)
    assert today["cost_share"] == pytest.approx(today["cost_krw"] / (20_000 / 31))
    assert (month["calls"], month["learners"], month["unpriced_calls"]) == (5, 2, 1)
    assert month["cost_usd"] == pytest.approx(today["cost_usd"] + DEAR)
    assert told["month_gone"] == pytest.approx(14.5 / 31)


async def test_before_the_first_call_nothing_is_known_and_nothing_is_0_that_is_not(page: Page) -> None:
    today = (await page.data("dashboard/spending"))["today"]
    assert (today["calls"], today["cost_usd"], today["cost_krw"], today["cost_share"]) == (
        0,
        None,
        None,
        None,
    )
    assert (await page.data("dashboard/costs"))["cost_usd"] is None
    assert (await page.data("dashboard/speed"))["latency_p95_ms"] is None
    assert await page.data("experiments") == {"experiments": []}
    assert await page.data("incidents") == {"ever": False, "now": False, "open": 0, "incidents": []}


async def test_costs_come_by_the_day_of_the_zone_and_of_a_short_period_by_the_hour(page: Page) -> None:
    page.write(answered(), answered(), greeted())
    page.write(answered(), days_ago=0.51)  # at 23:45 the day before, in Seoul
    days = await page.data("dashboard/costs", since="2025-03-01")
    assert days["by"] == "day"
    assert [(each["began"][:10], each["model"], each["calls"]) for each in days["times"]] == [
        ("2025-03-14", GREAT, 1),
        ("2025-03-15", GREAT, 2),
        ("2025-03-15", SMALL, 1),
    ]
    assert days["cost_usd"] == pytest.approx(3 * DEAR + CHEAP)
    hours = await page.data("dashboard/costs", since="2025-03-14", until="2025-03-16")
    assert hours["by"] == "hour"
    assert [each["began"] for each in hours["times"]][:2] == [
        "2025-03-14T23:00:00+09:00",
        "2025-03-15T11:00:00+09:00",
    ]
    assert sum(each["calls"] for each in hours["times"]) == 4


async def test_a_model_a_concept_and_a_period_narrow_every_part(page: Page) -> None:
    turns = (("t1", GREAT, "정규화", 0.0), ("t2", SMALL, "정규화", 1.0), ("t3", GREAT, "BCNF", 40.0))
    for turn, model, concept, days_ago in turns:
        call = answered if model == GREAT else greeted
        about: dict[str, Any] = {"trace_id": turn, "days_ago": days_ago}
        page.write(call(wrong_concept=concept), **about)
        page.write(explored(*document_path(), wrong_concept=concept, question_id=turn), **about)
        page.write(feedback(understanding_score=1), **about)

    async def found(**asked: str) -> tuple[int, int, int, int, int]:
        costs, routes = (
            await page.data("dashboard/costs", **asked),
            await page.data("dashboard/routes", **asked),
        )
        speed, concepts = (
            await page.data("dashboard/speed", **asked),
            await page.data("dashboard/concepts", **asked),
        )
        paths = await page.data("dashboard/paths", **asked)
        routed = sum(each["calls"] for each in routes["routes"])
        return costs["calls"], routed, speed["calls"], concepts["failures"], paths["strange"]

    assert await found() == (3,) * 5
    assert await found(model=GREAT) == (2,) * 5
    assert await found(concept="정규화") == (2,) * 5
    assert await found(model=GREAT, concept="정규화") == (1,) * 5
    assert await found(since="2025-03-10") == (2,) * 5
    assert await found(until="2025-03-15", since="2025-03-01") == (1,) * 5
    assert await found(model="nobody's") == (0,) * 5
    assert await page.data("dashboard/choices") == {"models": [GREAT, SMALL], "concepts": ["정규화", "BCNF"]}


async def test_concepts_that_failed_most_come_first_with_what_was_understood(page: Page) -> None:
    for concept, scores in (("정규화", (1, 2, 5)), ("BCNF", (1,)), ("뷰", (5,))):
        page.write(
            *(feedback("thumbs_up", understanding_score=score, concept=concept) for score in scores),
            days_ago=len(concept),
        )
    page.write(feedback(question_id=None))
    told = await page.data("dashboard/concepts")
    assert told["concepts"][:2] == [
        {"concept": "정규화", "failures": 2, "scores": 3, "understanding": pytest.approx(8 / 3)},
        {"concept": "BCNF", "failures": 1, "scores": 1, "understanding": 1.0},
    ]
    assert (told["failures"], told["unattributed"], len(told["concepts"])) == (4, 1, 2)


async def test_speed_tells_each_days_percentiles_and_all_together(page: Page) -> None:
    for days_ago, latencies in ((0, (100, 200, 300, 4000)), (1, (50,))):
        page.write(*(answered(latency_ms=float(each)) for each in latencies), days_ago=days_ago)
    page.write(answered(status="error", error_type="RateLimitError", latency_ms=9e9), days_ago=2)
    told = await page.data("dashboard/speed")
    assert [
        (each["began"][:10], each["latency_p50_ms"], each["latency_p95_ms"]) for each in told["times"]
    ] == [
        ("2025-03-14", 50, 50),
        ("2025-03-15", 200, 4000),
    ]
    assert (told["calls"], told["failed"]) == (6, 1)
    assert (told["latency_p50_ms"], told["latency_p95_ms"]) == (200, 4000)


async def test_the_newest_strange_path_of_each_question_is_shown_as_a_picture(page: Page) -> None:
    page.write(explored(*document_path(), question_id="q1", wrong_concept="정규화", query="왜?"), days_ago=2)
    page.write(explored(*document_path(), question_id="q1", wrong_concept="정규화", query="왜?"), days_ago=1)
    page.write(explored(*document_path(), question_id="q2", wrong_concept="정규화"))
    page.write(explored(*document_path()[:2], question_id="q3"))
    told = await page.data("dashboard/paths")
    assert [(each["question_id"], each["times"]) for each in told["newest"]] == [("q2", 1), ("q1", 2)]
    assert (told["strange"], told["judged"]) == (3, 4)
    newest = told["newest"][1]
    assert newest["started_at"].startswith("2025-03-14")
    assert [hop["next_node"] for hop in newest["path"]] == ["제1정규형", "이상현상", "SQL 문법"]
    assert [hop["reasons"] for hop in newest["path"]] == [[], [], ["leaves the question"]]
    for picture in (newest["picture"], newest["whole_picture"]):
        assert picture.startswith("<svg ")
        assert "SQL 문법" in picture
    assert [each["question_id"] for each in (await page.data("dashboard/paths", limit=1))["newest"]] == ["q2"]


async def test_strange_paths_are_found_in_the_lake_too(page: Page) -> None:
    page.write(explored(*document_path(), question_id="q1"))
    page.journal.close()
    before = await page.data("dashboard/paths")
    for grace in (timedelta(0), timedelta(days=-1)):
        compact(page.journal, Meter(), is_delivered=lambda _segment, _size: True, grace=grace)
    assert page.journal.segments() == []
    assert await page.data("dashboard/paths") == before
    assert len(before["newest"]) == 1


async def test_experiments_and_who_was_given_what(page: Page) -> None:
    page.journal.write(plan({"v1_strict": 0.5, "v2_friendly": 0.5}, started_at=NOON))
    (found,) = (await page.data("experiments"))["experiments"]
    assert (found["experiment"], found["running"], found["day"]) == ("tone", True, 0)
    assert [each["variant"] for each in found["variants"]] == ["v1_strict", "v2_friendly"]


async def test_incidents_that_are_open_and_whether_anybody_watches(page: Page, tmp_path: Path) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 10, "정규화")
    watching.round()
    told = await page.data("incidents")
    assert (told["ever"], told["now"], told["open"]) == (True, False, 1)
    assert (told["incidents"][0]["rule"], told["incidents"][0]["subject"]) == ("concept_confusion", "정규화")
    assert told["incidents"][0]["resolved_at"] is None


def test_by_the_clock_of_new_york_a_day_of_23_hours_is_one_day(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for hour in (0, 12, 27):  # before, on and after the day on which the clock goes forward
        moment = datetime(2025, 3, 9, 4, 30, tzinfo=UTC) + timedelta(hours=hour)
        journal.write(answered(event_id=f"{hour}", started_at=moment))
    questions = DashboardQuestions(journal, Settings(time_zone=ZoneInfo("America/New_York")))
    assert [each.began.isoformat()[:10] for each in questions.costs().times] == [
        "2025-03-08",
        "2025-03-09",
        "2025-03-10",
    ]


def test_a_hop_that_drifts_is_told_with_the_score_that_says_so(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    hop = Hop(node="정규화", relation="관련", next_node="SQL 문법", similarity_score=0.9, edge_similarity=0.3)
    journal.write(explored(hop, question_id="q"))
    found = DashboardQuestions(journal).strange_explorations()
    assert (found.strange, len(found.newest)) == (1, 1)
