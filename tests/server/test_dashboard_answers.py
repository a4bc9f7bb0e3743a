"""How the dashboard page is answered: anew only where it changed, to who may read, of what may be asked."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.learner import Learner
from examsgraph_callbacks.server import Service, application
from tests.analytics.facts import answered, document_path, explored, greeted
from tests.server.dashboard_page import NOON, PARTS, Page
from tests.server.served import curl, serving


async def test_who_is_forgotten_is_in_no_answer_that_rests(page: Page) -> None:
    page.write(explored(*document_path(), user_id="user_001", query="my own words"))
    assert (await page.data("dashboard/paths"))["newest"][0]["query"] == "my own words"
    assert forget(page.journal, Learner(frozenset({"user_001"}))) == 1
    assert (await page.data("dashboard/paths"))["newest"] == []


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


async def test_an_unchanged_journal_is_asked_once_however_often_the_page_is_loaded(
    page: Page, asked: list[str]
) -> None:
    page.write(answered())
    for _ in range(3):
        for part in PARTS:
            await page.data(part)
    assert len(asked) == 7, "spending, choices, costs, routes, speed, concepts, paths"


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
