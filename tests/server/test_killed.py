"""A report that was acknowledged is on disk, whatever becomes of the server; what is not, is told."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.server import Service, application
from examsgraph_callbacks.settings import Settings
from tests.journal.test_full_disk import Disk
from tests.server.served import serving
from tests.tracker.document import FEEDBACK

JSON = {"Content-Type": "application/json"}


def test_none_that_was_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    enough = asyncio.Event()

    async def learner(client: httpx.AsyncClient, url: str) -> None:
        while True:
            try:
                answer = await client.post(url, json=FEEDBACK)
            except httpx.HTTPError:
                return
            acknowledged.append(answer.json()["data"]["event_id"])
            if len(acknowledged) == 300:
                enough.set()

    with serving(tmp_path, api_requests_per_second="1e9") as served:

        async def learners() -> None:
            async with httpx.AsyncClient() as client:
                url = f"{served.api}/log-user-feedback"
                asking = [asyncio.create_task(learner(client, url)) for _ in range(16)]
                await enough.wait()
                served.kill()
                await asyncio.wait(asking, timeout=30)

        asyncio.run(learners())

    on_disk = {fact.event_id for fact in served.facts()}
    assert len(acknowledged) >= 300
    assert set(acknowledged) <= on_disk
    assert len(on_disk) <= len(acknowledged) + 16


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    service = Service(Journal(tmp_path), Settings(), guarded=False)
    transport = httpx.ASGITransport(application(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as opened:
        yield opened


async def test_a_full_disk_is_told_and_the_fact_is_not_held_to_come_twice(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "/v1/mlflow/log-user-feedback"
    assert (await client.post(url, json=FEEDBACK)).status_code == 200
    disk = Disk(monkeypatch, room=20)
    answer = await client.post(url, json=FEEDBACK)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "the disk took 20 of 372 bytes: send it again later" in answer.json()["error"]["message"]
    assert str(tmp_path) not in answer.text
    disk.room = 10_000
    assert (await client.post(url, json=FEEDBACK)).status_code == 200
    assert len([*Journal(tmp_path).read()]) == 2


async def test_with_fsync_many_are_acknowledged_by_one_sync_that_began_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        lines = sum(segment.read_bytes().count(b"\n") for segment in Journal(tmp_path).segments())
        fsync(descriptor)
        synced.append(lines)

    monkeypatch.setattr(os, "fsync", counted)
    service = Service(Journal(tmp_path), Settings(api_fsync=True), guarded=False)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application(service)), base_url="http://api"
    ) as client:
        url = "/v1/mlflow/log-user-feedback"
        answers = await asyncio.gather(*(client.post(url, json=FEEDBACK) for _ in range(50)))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert synced[-1] == 50
    assert len(synced) < 20


async def test_where_the_disk_does_not_sync_nothing_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    service = Service(Journal(tmp_path), Settings(api_fsync=True), guarded=False)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application(service)), base_url="http://api"
    ) as client:
        answer = await client.post("/v1/mlflow/log-user-feedback", json=FEEDBACK)
    assert answer.status_code == 503


async def test_health_says_whether_facts_can_be_written(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await client.get("/health")).json()["data"]["status"] == "ok"
    monkeypatch.setattr(os, "access", lambda *_: False)
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()["data"]["status"]) == (503, "the journal cannot be written")
