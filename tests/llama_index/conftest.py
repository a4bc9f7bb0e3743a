"""An attached handler, as an application has it, and an event loop for what LlamaIndex counts on one."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.langchain.models import StepClock
from tests.llama_index.provider import Provider
from tests.servers.openai_server import LedgerServer


@pytest.fixture(autouse=True)
def loop_that_is_closed(request: pytest.FixtureRequest) -> Iterator[None]:
    """LlamaIndex counts a prompt's tokens on an event loop, and leaves open one that it has to make."""
    if inspect.iscoroutinefunction(request.function):
        yield
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[ExamsGraphEventHandler]:
    before = failures.counts()
    with ExamsGraphEventHandler(tmp_path, clock=StepClock().clock()) as attached:
        yield attached
    assert failures.counts() == before, "a handler that fails in silence would pass many a test"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    # nothing to verify over plain HTTP, and loading certificates takes most of a test's time
    with LedgerServer() as server, httpx.Client(verify=False) as http:
        async with httpx.AsyncClient(verify=False) as ahttp:
            provider = Provider(server, http, ahttp)
            yield provider
            await provider.aclose()


@pytest.fixture
def handler_by_the_wall(tmp_path: Path) -> Iterator[ExamsGraphEventHandler]:
    # by the clock on the wall: tiers have prices from some day on
    before = failures.counts()
    with ExamsGraphEventHandler(tmp_path) as attached:
        yield attached
    assert failures.counts() == before, "a handler that fails in silence would pass many a test"
