"""Servers that tests share, and one of each test's own."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from examsgraph_callbacks.analytics.dashboard import DashboardQuestions
from examsgraph_callbacks.journal import Journal
from tests.server.dashboard_browser import Seen, chromium, opened
from tests.server.dashboard_page import page
from tests.server.served import Served, serving
from tests.servers.lived_journal import SEOUL, live

__all__ = ["browser", "far_from_midnight", "lived", "page", "seen", "served"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server without tokens, which takes as many requests as it can."""
    with serving(tmp_path, api_requests_per_second="1e9") as server:
        yield server


@pytest.fixture
def far_from_midnight() -> None:
    """Waits past midnight in Seoul where it is near: what a test wrote is to be of today when it asks."""
    now = datetime.now(SEOUL)
    if (now + timedelta(minutes=1)).date() != now.date():
        time.sleep(61 - now.second)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not of the whole session: while it is open, its event loop lets no other run in this thread."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Twelve days of lessons, served to this machine."""
    folder = tmp_path_factory.mktemp("lived")
    live(Journal(folder / "journal"), 12, datetime.now(UTC))
    with serving(folder) as server:
        yield server


@pytest.fixture
def seen(browser: Browser, lived: Served) -> Iterator[Seen]:
    with opened(browser, lived.url) as page:
        page.load()
        yield page
        assert page.complaints == []
        assert {url for url in page.requests if not url.startswith((lived.url, "blob:"))} == set()


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
