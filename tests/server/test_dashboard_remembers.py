"""What the dashboard remembers, and what it says while a lake or a file cannot be read."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fsspec.implementations.memory import MemoryFileSystem

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.lake import lake_of
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.server import Service, api_router
from examsgraph_callbacks.settings import Settings
from tests.alerts.watching import Watching
from tests.analytics.facts import answered, document_path, explored
from tests.experiments.classes import plan
from tests.server.dashboard_page import Clock, Page


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
