"""What the dashboard page is fed by: right figures, narrowed as asked, told anew only where they changed."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from fsspec.implementations.memory import MemoryFileSystem

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.analytics.dashboard import DashboardQuestions
from examsgraph_callbacks.events import Hop
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.lake import lake_of
from examsgraph_callbacks.journal.learner import Learner
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.server import Service, api_router, application
from examsgraph_callbacks.settings import Settings
from tests.alerts.watching import Watching, not_understood
from tests.analytics.facts import answered, document_path, explored, feedback, greeted, silent
from tests.experiments.classes import plan
from tests.server.served import curl, serving

NOON = datetime(2025, 3, 15, 3, tzinfo=UTC)
"""Noon in Seoul, in the midst of March."""

GREAT = "gpt-4o-2024-08-06"
SMALL = "gpt-4o-mini-2024-07-18"
DEAR = 0.01175  # USD: 1,500 tokens in at 2.50 a million, 800 out at 10
CHEAP = 0.00002025  # 15 tokens in at 0.15 a million, 30 out at 0.60

PARTS = (
    "dashboard/standing",
    "dashboard/choices",
    "dashboard/spending",
    "dashboard/costs",
    "dashboard/routes",
    "dashboard/speed",
    "dashboard/concepts",
    "dashboard/paths",
    "experiments",
    "incidents",
)


class Clock:
    """By which the server tells the day."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


class Page:
    """Asks as the page does."""

    def __init__(self, client: httpx.AsyncClient, journal: Journal, clock: Clock) -> None:
        self._client = client
        self.journal = journal
        self.clock = clock

    def write(self, *facts: Any, days_ago: float = 0, **fields: Any) -> None:
        for number, fact in enumerate(facts):
            began = NOON - timedelta(days=days_ago, seconds=number)
            named = {"event_id": f"{fact.event_id} {days_ago} {number} {fact.kind}", "started_at": began}
            self.journal.write(fact.model_copy(update=named | fields))

    async def get(self, part: str, etag: str | None = None, **asked: Any) -> httpx.Response:
        headers = {} if etag is None else {"If-None-Match": etag}
        return await self._client.get(f"/v1/mlflow/{part}", params=asked, headers=headers)

    async def data(self, part: str, **asked: Any) -> Any:
        answer = await self.get(part, **asked)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    journal, clock = Journal(tmp_path / "journal"), Clock()
    app = FastAPI()
    app.include_router(api_router(Service(journal, Settings(), guarded=False), clock))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Page(client, journal, clock)


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


async def test_who_is_forgotten_is_in_no_answer_that_rests(page: Page) -> None:
    page.write(explored(*document_path(), user_id="user_001", query="my own words"))
    assert (await page.data("dashboard/paths"))["newest"][0]["query"] == "my own words"
    assert forget(page.journal, Learner(frozenset({"user_001"}))) == 1
    assert (await page.data("dashboard/paths"))["newest"] == []


async def test_strange_paths_are_found_in_the_lake_too(page: Page) -> None:
    page.write(explored(*document_path(), question_id="q1"))
    page.journal.close()
    before = await page.data("dashboard/paths")
    for grace in (timedelta(0), timedelta(days=-1)):
        compact(page.journal, Meter(), is_delivered=lambda _segment, _size: True, grace=grace)
    assert page.journal.segments() == []
    assert await page.data("dashboard/paths") == before
    assert len(before["newest"]) == 1


async def test_a_part_is_told_anew_only_where_it_changed(page: Page) -> None:
    page.write(answered())
    for part in PARTS:
        first = await page.get(part)
        again = await page.get(part, first.headers["ETag"])
        assert (again.status_code, again.content) == (304, b""), part
        assert again.headers["ETag"] == first.headers["ETag"]
        assert (await page.get(part, 'W/"of another time"')).status_code == 200
    standing = await page.data("dashboard/standing")
    assert standing["today"] == "2025-03-15"
    page.write(greeted())
    assert (await page.data("dashboard/standing"))["mark"] != standing["mark"]
    page.clock.now = NOON + timedelta(days=1)
    assert (await page.data("dashboard/standing"))["today"] == "2025-03-16"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one whenever a question looks at the journal's tables."""
    asked: list[str] = []
    real = DashboardQuestions._tables

    def counted(questions: DashboardQuestions, *given: Any) -> Any:
        asked.append("tables")
        return real(questions, *given)

    monkeypatch.setattr(DashboardQuestions, "_tables", counted)
    return asked


async def test_an_unchanged_journal_is_asked_once_however_often_the_page_is_loaded(
    page: Page, asked: list[str]
) -> None:
    page.write(answered())
    for _ in range(3):
        for part in PARTS:
            await page.data(part)
    assert len(asked) == 7, "spending, choices, costs, routes, speed, concepts, paths"


async def test_what_no_part_knows_in_an_address_makes_no_answer_of_its_own(
    page: Page, asked: list[str]
) -> None:
    page.write(answered())
    same_moment = ("2025-03-15", "2025-03-15T00:00:00+09:00", "2025-03-14T15:00:00Z")
    for number, since in enumerate(same_moment * 3):
        await page.data("dashboard/costs", since=since, nonsense=f"{number}" * 1000)
    assert asked == ["tables"]


class Away:
    """An object store that can be made to answer no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def go(self) -> None:
        def fail(*_given: Any, **_named: Any) -> None:
            raise ConnectionError("cannot connect to https://key:secret@store.example/bucket/lake")

        for name in ("ls", "info", "open", "cat_file", "glob", "find", "exists", "modified"):
            self._monkeypatch.setattr(MemoryFileSystem, name, fail)

    def back(self) -> None:
        self._monkeypatch.undo()


@pytest.fixture
async def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Page, Away]]:
    """A page of a journal whose lake, with what was written in it, is in an object store."""
    journal, clock = Journal(tmp_path / "journal"), Clock()
    lake = f"memory://{tmp_path.name}/lake"
    service = Service(journal, Settings(lake=lake), guarded=False)
    app = FastAPI()
    app.include_router(api_router(service, clock))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        page = Page(client, journal, clock)
        page.write(answered(), explored(*document_path(), question_id="q1"))
        page.write(plan({"v1_strict": 0.5, "v2_friendly": 0.5}), days_ago=1)
        journal.close()
        compact(journal, Meter(), is_delivered=lambda _segment, _size: True, lake=lake_of(journal.path, lake))
        with monkeypatch.context() as patched:
            yield page, Away(patched)


ASKED_OF_THE_LAKE = (
    "dashboard/costs",
    "dashboard/paths",
    "experiments",
    "experiments/tone/report",
    "experiments/tone/page",
    "analytics/average-cost",
    "analytics/path-quality",
)


@pytest.mark.parametrize("was_asked_before", [False, True])
async def test_while_the_lake_cannot_be_reached_a_question_says_so_and_no_more(
    remote: tuple[Page, Away], *, was_asked_before: bool
) -> None:
    page, away = remote
    if was_asked_before:
        for part in ASKED_OF_THE_LAKE:
            assert (await page.get(part)).status_code == 200, part
    away.go()
    for part in ASKED_OF_THE_LAKE:
        answer = await page.get(part)
        assert answer.status_code == 503, part
        message = answer.json()["error"]["message"]
        assert message.startswith("the journal's lake cannot be reached now (ConnectionError)"), part
        assert "EXAMSGRAPH_LAKE" in message
        assert not [word for word in ("secret", "bucket", "Traceback", "memory:") if word in answer.text]
    # what needs no lake goes on, and so does the page
    assert (await page.get("incidents")).status_code == 200
    assert (await page.data("dashboard/standing"))["today"] == "2025-03-15"
    away.back()
    for part in ASKED_OF_THE_LAKE:
        assert (await page.get(part)).status_code == 200, part


async def test_a_file_of_the_lake_that_cannot_be_read_is_told_without_its_place(
    page: Page, tmp_path: Path
) -> None:
    page.write(answered())
    page.journal.close()
    compact(page.journal, Meter(), is_delivered=lambda _segment, _size: True)
    for file in (tmp_path / "journal" / "lake" / "calls").rglob("*.parquet"):
        file.unlink()
    answer = await page.get("dashboard/costs")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert "lake" in answer.json()["error"]["message"]


async def test_what_alerts_know_and_cannot_be_read_is_told_without_its_place(
    page: Page, tmp_path: Path
) -> None:
    watching = Watching(tmp_path)
    watching.round()
    for file in (tmp_path / "journal" / "alerts").glob("state.sqlite*"):
        file.write_bytes(b"no database " * 500)
    answer = await page.get("incidents")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert "the journal's folder" in answer.json()["error"]["message"]


async def test_pictures_of_paths_speak_the_pages_language(page: Page) -> None:
    page.write(explored(*document_path(), question_id="q1"))
    english = (await page.data("dashboard/paths"))["newest"][0]
    korean = (await page.data("dashboard/paths", language="ko"))["newest"][0]
    assert "strange: below the threshold" in english["picture"]
    for picture in (korean["picture"], korean["whole_picture"]):
        said = re.findall(r"<text[^>]*>([^<]+)</text>", picture)
        assert {"이상함: 기준 미만", "질문에서 벗어남 (기준 0.70)", "시작", "1단계"} <= set(said)
        assert not [line for line in said if re.search("[a-z]", line)]
    assert (await page.get("dashboard/paths", language="fr")).status_code == 422


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


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "2025-03-02", "until": "2025-03-01"}, "until"),
        ({"model": ""}, "model"),
        ({"concept": "x" * 257}, "concept"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused(page: Page, asked: dict[str, str], field: str) -> None:
    answer = await page.get("dashboard/costs", **asked)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_every_part_needs_a_token_that_may_read_and_the_page_itself_none(tmp_path: Path) -> None:
    with serving(tmp_path, api_tokens="write:w,read:r") as served:
        for part in PARTS:
            for token, status in ((None, 401), ("nobody's", 401), ("w", 403), ("r", 200)):
                header = () if token is None else ("-H", f"Authorization: Bearer {token}")
                assert curl(f"{served.api}/{part}", None, *header)[0] == status, (part, token)
        for path in ("", "page/main.js", "page/style.css", "page/vendor/uPlot.iife.min.js"):
            page = httpx.get(f"{served.url}/{path}")
            assert page.status_code == 200
            policy = page.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            again = httpx.get(f"{served.url}/{path}", headers={"If-None-Match": page.headers["ETag"]})
            assert again.status_code == 304


async def test_only_the_pages_own_files_are_handed_out(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(application(Service(Journal(tmp_path))), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for name in (
            "__init__.py",
            "../service.py",
            "..%2fservice.py",
            "vendor/uPlot.LICENSE",
            "nothing.js",
            "",
        ):
            assert (await client.get(f"/page/{name}")).status_code == 404, name


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
