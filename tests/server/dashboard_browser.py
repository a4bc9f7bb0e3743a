"""The dashboard in a real Chromium without a window, as Playwright drives it, and what it asked of whom."""

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from tests.server.served import Served
from tests.servers.lived_journal import SEOUL

__all__ = [
    "BUSY",
    "HOSTILE",
    "POLL_MS",
    "READY_MS",
    "Seen",
    "chromium",
    "month",
    "opened",
    "running",
    "serious",
    "told",
]
READY_MS = 60_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium: Playwright's own has to be downloaded; skips where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


class Seen:
    """A page, and all that it asked for and complained of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def load(self, path: str = "/") -> None:
        """Load the page, and wait for all of its parts."""
        self.page.goto(self.url + path)
        self.settle()

    def settle(self) -> None:
        """Wait until every part of it is drawn for these filters."""
        self.page.wait_for_selector("body[data-ready] #board:not([hidden])", timeout=READY_MS)
        # its own policy forbids what would be waited for with a function
        for unfinished in ("[aria-busy=true]", ".bone"):
            self.page.wait_for_selector(unfinished, state="detached", timeout=READY_MS)

    def text(self, selector: str) -> str:
        """What stands there, as it is shown."""
        return self.page.inner_text(selector)

    def asked(self) -> list[str]:
        """What was asked of the API since the last time, without the address before `/v1/mlflow/`."""
        marked = [url.partition("/v1/mlflow/")[2] for url in self.requests]
        self.requests.clear()
        return [each for each in marked if each]


@contextmanager
def opened(browser: Browser, url: str, **how: Any) -> Iterator[Seen]:
    """A page of its own; `how` are Playwright's options of a context, such as `locale` or `viewport`."""
    context = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1440, "height": 900}, **how})
    try:
        yield Seen(context.new_page(), url)
    finally:
        context.close()


HOSTILE = "<img src=x onerror=\"document.title='run'\">"
POLL_MS = 10_000


def told(served: Served, part: str, **asked: str) -> Any:
    return httpx.get(f"{served.api}/{part}", params=asked, timeout=60).json()["data"]


def month(days: int = 30) -> dict[str, str]:
    today = datetime.now(SEOUL).date()
    return {"since": f"{today - timedelta(days=days - 1)}", "until": f"{today + timedelta(days=1)}"}


def serious(page: Seen) -> list[str]:
    """What axe-core finds that keeps people out."""
    found = Axe().run(page.page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:150]}"
        for each in found
        if each["impact"] in {"serious", "critical", "moderate"}
        for node in each["nodes"]
    ]


BUSY = {"status": 503, "json": {"error": {"message": "too much is asked at once"}}}


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The address of an application that runs in a thread of this process."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
