"""What many ask for at once is done once for all of them, in a thread that nothing else holds up."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.server import Service, api_router
from examsgraph_callbacks.server.figures import Figures
from examsgraph_callbacks.server.together import Together
from examsgraph_callbacks.settings import Settings
from tests.tracker.document import FEEDBACK

PATIENCE_SECONDS = 20


class Slow:
    """Work that takes until it is let go."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.go = threading.Event()
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        self.began.release()
        assert self.go.wait(PATIENCE_SECONDS)
        return self.times


async def test_who_comes_while_it_runs_waits_for_the_next_run_and_all_of_them_for_one() -> None:
    slow = Slow()
    together = Together(slow, "test")
    first = asyncio.create_task(together.done())
    await asyncio.to_thread(slow.began.acquire)
    later = [asyncio.create_task(together.done()) for _ in range(20)]
    await asyncio.sleep(0)
    slow.go.set()
    assert await first == 1
    assert set(await asyncio.gather(*later)) == {2}


async def test_an_error_is_told_to_all_who_wait_and_logged_for_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise OSError("no disk")

    together = Together(fail, "test")
    told = await asyncio.gather(*(together.done() for _ in range(3)), return_exceptions=True)
    assert [str(each) for each in told] == ["no disk"] * 3
    waiting = asyncio.create_task(together.done())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    await asyncio.gather(together.done(), return_exceptions=True)
    gc.collect()
    assert "never retrieved" not in caplog.text


@pytest.mark.parametrize("scraping", [1, 50])
async def test_slow_scrapes_and_other_work_of_the_loop_hold_up_no_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scraping: int
) -> None:
    slow, blocking = Slow(), threading.Event()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    real = Figures.text

    def text(figures: Figures) -> object:
        slow()
        return real(figures)

    monkeypatch.setattr(Figures, "text", text)
    journal = Journal(tmp_path)
    app = FastAPI()
    app.include_router(api_router(Service(journal, Settings(api_fsync=True), guarded=False)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        others = asyncio.get_running_loop().run_in_executor(None, blocking.wait, PATIENCE_SECONDS)
        scrapes = [asyncio.create_task(client.get("/metrics")) for _ in range(scraping)]
        await asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(1), slow.began.acquire)
        async with asyncio.timeout(PATIENCE_SECONDS / 2):
            written = await client.post("/v1/mlflow/log-user-feedback", json=FEEDBACK)
        assert written.status_code == 200
        assert not any(each.done() for each in scrapes)
        slow.go.set()
        blocking.set()
        assert {each.status_code for each in await asyncio.gather(*scrapes)} == {200}
        assert slow.times <= 2
        await others


async def test_a_slow_disk_holds_up_no_scrape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(Journal, "sync", lambda _journal: slow())
    app = FastAPI()
    app.include_router(api_router(Service(Journal(tmp_path), Settings(api_fsync=True), guarded=False)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        writes = [
            asyncio.create_task(client.post("/v1/mlflow/log-user-feedback", json=FEEDBACK)) for _ in range(50)
        ]
        await asyncio.to_thread(slow.began.acquire)
        async with asyncio.timeout(PATIENCE_SECONDS / 2):
            assert (await client.get("/metrics")).status_code == 200
        assert not any(each.done() for each in writes)
        slow.go.set()
        assert {each.status_code for each in await asyncio.gather(*writes)} == {200}
