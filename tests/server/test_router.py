"""The routes in a FastAPI application of the user's own, and what the server counts of itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException

from examsgraph_callbacks import server
from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.server import Service, api_router, application
from examsgraph_callbacks.settings import Settings
from tests.deliver.factories import feedback
from tests.tracker.document import FEEDBACK


@asynccontextmanager
async def client_of(app: FastAPI, address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(address, 123))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def test_the_router_of_the_configured_journal_goes_into_any_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_JOURNAL", str(tmp_path / "journal"))
    monkeypatch.delitem(vars(server), "router", raising=False)
    app = FastAPI()
    app.include_router(server.router, prefix="/monitoring")
    async with client_of(app) as client:
        answer = await client.post("/monitoring/v1/mlflow/log-user-feedback", json=FEEDBACK)
        refused = await client.get("/monitoring/v1/mlflow/analytics/top-failed-concepts?limit=x")
        assert (await client.get("/monitoring/health")).status_code == 200
    assert answer.status_code == 200
    assert refused.json()["error"]["field"] == "limit"
    assert len([*Journal(tmp_path / "journal").read()]) == 1
    async with client_of(app, "10.0.0.7") as client:
        assert (
            await client.post("/monitoring/v1/mlflow/log-user-feedback", json=FEEDBACK)
        ).status_code == 403


async def test_an_application_with_ways_of_its_own_lets_in_whom_it_likes(tmp_path: Path) -> None:
    def nobody() -> None:
        raise HTTPException(418, "nobody")

    service = Service(Journal(tmp_path), guarded=False)
    free, closed = FastAPI(), FastAPI()
    free.include_router(api_router(service))
    closed.include_router(api_router(service), dependencies=[Depends(nobody)])
    async with client_of(free, "10.0.0.7") as client:
        assert (await client.post("/v1/mlflow/log-user-feedback", json=FEEDBACK)).status_code == 200
    async with client_of(closed) as client:
        assert (await client.post("/v1/mlflow/log-user-feedback", json=FEEDBACK)).status_code == 418
    assert len([*Journal(tmp_path).read()]) == 1


async def test_metrics_count_by_route_and_status_and_name_no_user(tmp_path: Path) -> None:
    app = application(Service(Journal(tmp_path), Settings()))
    async with client_of(app) as client:
        for body in (FEEDBACK, {**FEEDBACK, "user_id": "user_001"}, {}):
            await client.post("/v1/mlflow/log-user-feedback", json=body)
        await client.get("/v1/mlflow/nothing/user_001")
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    route = 'route="/v1/mlflow/log-user-feedback"'
    assert f'examsgraph_http_requests_total{{{route},status="200"}} 2.0' in answer.text
    assert f'examsgraph_http_requests_total{{{route},status="422"}} 1.0' in answer.text
    assert f"examsgraph_http_request_duration_seconds_count{{{route}}} 3.0" in answer.text
    assert "examsgraph_facts_held 0.0" in answer.text
    assert "user_001" not in answer.text


@pytest.mark.filterwarnings("ignore")  # MLflow's own
async def test_metrics_say_how_far_the_journal_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    journal = Journal(tmp_path / "journal")
    app = application(Service(journal, Settings()))
    async with client_of(app) as client:
        journal.write(feedback(after_seconds=0))
        before = (await client.get("/metrics")).text
        ship(journal)
        after = (await client.get("/metrics")).text
    destination = f'destination="{uri}"'
    assert f"examsgraph_shipping_facts_behind{{{destination}}} 1.0" in before
    assert f"examsgraph_shipping_lag_seconds{{{destination}}} 0.0" not in before
    assert f"examsgraph_shipping_failing{{{destination}}} 0.0" in before
    assert f"examsgraph_shipping_dead_letters{{{destination}}} 0.0" in after
    assert "examsgraph_shipping_following" in after


async def test_what_is_not_there_is_told_in_the_same_shape(tmp_path: Path) -> None:
    async with client_of(application(Service(Journal(tmp_path)))) as client:
        unknown = await client.get("/v1/mlflow/nothing")
        wrong_method = await client.get("/v1/mlflow/log-llm-cost")
    for answer, status in ((unknown, 404), (wrong_method, 405)):
        assert answer.status_code == status
        assert answer.json()["error"].keys() == {"message", "field", "came", "allowed"}
    assert wrong_method.headers["allow"] == "POST"
