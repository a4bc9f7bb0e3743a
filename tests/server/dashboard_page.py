"""What the dashboard page is fed by, of a journal whose figures are worked out by hand."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.server import Service, api_router
from examsgraph_callbacks.settings import Settings

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
