"""LlamaIndex's calls over HTTP that fail, break off, report nothing, are abandoned or cancelled."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.query_engine import RetrieverQueryEngine
from workflows.errors import WorkflowCancelledByUser

from examsgraph_callbacks.events import Trace
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from examsgraph_callbacks.measure import Meter
from tests.llama_index.models import Shelf, calls, facts, only_call
from tests.llama_index.provider import Provider
from tests.llama_index.test_calls import METHODS, call
from tests.servers.openai_server import Answer

SILENT = Answer(falls_silent=True)


@pytest.fixture
def handler(handler_by_the_wall: ExamsGraphEventHandler) -> ExamsGraphEventHandler:
    return handler_by_the_wall


def look_up(concept: str) -> str:
    """Look a concept up."""
    return f"{concept}: 분해"


class TestWhatTheLedgerDoesNotTell:
    @pytest.mark.parametrize("method", METHODS)
    async def test_usage_that_is_not_reported_is_estimated_and_flagged(
        self, method: str, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(report_usage=False)
        await call(provider.chat(), method)
        recorded = only_call(handler)
        assert (recorded.status, recorded.input_tokens, recorded.usage_source) == ("ok", None, None)
        measured = Meter().measure(recorded)
        assert measured.estimated
        assert measured.cost_usd

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("status", [400, 401, 429, 500])
    async def test_an_http_error_is_an_error_of_unknown_usage(
        self, status: int, method: str, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(status=status)
        with pytest.raises(Exception, match=str(status)):
            await call(provider.chat(), method)
        recorded = only_call(handler)
        assert (recorded.status, recorded.input_tokens, recorded.usage_source) == ("error", None, None)
        assert recorded.error_type
        assert str(status) in str(recorded.error_message)

    @pytest.mark.parametrize("method", [method for method in METHODS if "stream" in method])
    async def test_a_stream_that_breaks_off_is_partial_and_estimated(
        self, method: str, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(cut_after=4)
        with pytest.raises(httpx.RemoteProtocolError):
            await call(provider.chat(), method)
        recorded = only_call(handler)
        assert (recorded.status, recorded.error_type) == ("partial", "RemoteProtocolError")
        assert recorded.answer is not None
        assert str(recorded.answer[0].content).startswith("정규화는")
        assert Meter().measure(recorded).estimated

    @pytest.mark.parametrize("close", [True, False], ids=["closed", "garbage collected"])
    @pytest.mark.parametrize("llm", [Provider.chat, Provider.responses])
    async def test_a_stream_that_is_abandoned_is_partial(
        self, llm: Callable[[Provider], Any], close: bool, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = SILENT
        stream = llm(provider).stream_chat([ChatMessage("?")])
        for response in stream:
            if response.delta:
                break
        if close:
            stream.close()
        del stream, response
        gc.collect()
        self._is_partial(handler)

    @pytest.mark.parametrize("close", [True, False], ids=["closed", "garbage collected"])
    @pytest.mark.parametrize("llm", [Provider.chat, Provider.responses])
    async def test_so_is_an_asynchronous_one(
        self, llm: Callable[[Provider], Any], close: bool, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = SILENT
        stream = await llm(provider).astream_chat([ChatMessage("?")])
        async for response in stream:
            if response.delta:
                break
        if close:
            await stream.aclose()
        del stream, response
        gc.collect()
        for _ in range(10):
            await asyncio.sleep(0)  # the loop closes generators within generators turn by turn
        self._is_partial(handler)

    def _is_partial(self, handler: ExamsGraphEventHandler) -> None:
        recorded = only_call(handler)
        assert (recorded.status, recorded.streamed) == ("partial", True)
        assert recorded.answer is not None
        assert recorded.answer[0].content == "정규화는"
        assert Meter().measure(recorded).estimated


class TestCancelled:
    @pytest.mark.parametrize("method", ["achat", "acomplete"])
    async def test_a_call_is_recorded_once(
        self, method: str, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(delay_seconds=60)
        await self._cancelled(call(provider.chat(), method), provider)
        recorded = only_call(handler)
        assert (recorded.status, recorded.error_type) == ("error", "CancelledError")
        assert recorded.input_tokens is None

    async def test_a_stream_is_partial_with_what_had_come(
        self, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = SILENT
        came = asyncio.Event()

        async def read() -> None:
            async for response in await provider.chat().astream_chat([ChatMessage("?")]):
                if response.delta:
                    came.set()

        task = asyncio.ensure_future(read())
        await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        recorded = only_call(handler)
        assert (recorded.status, recorded.error_type) == ("partial", "CancelledError")
        assert recorded.answer is not None
        assert recorded.answer[0].content == "정규화는"

    @pytest.mark.parametrize("streaming", [True, False])
    async def test_a_query_ends_with_all_that_is_in_it(
        self, streaming: bool, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(delay_seconds=60)
        engine = RetrieverQueryEngine.from_args(Shelf(), llm=provider.chat(), streaming=streaming)

        async def ask() -> None:
            response: Any = await engine.aquery("정규화란?")
            if streaming:
                _ = [token async for token in response.async_response_gen()]

        await self._cancelled(ask(), provider)
        assert {fact.status for fact in calls(handler)} == {"error"}
        (turn,) = [fact for fact in facts(handler) if isinstance(fact, Trace)]
        assert turn.status == "error"
        assert handler.open_runs == 0

    @pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecationWarning")  # in LlamaIndex's workflows
    async def test_so_does_an_agent(self, provider: Provider, handler: ExamsGraphEventHandler) -> None:
        provider.server.default = Answer(delay_seconds=60)
        running = FunctionAgent(tools=[look_up], llm=provider.chat()).run("정규화란?")
        await asyncio.to_thread(provider.server.asked.wait, 10)
        await running.cancel_run()
        with pytest.raises(WorkflowCancelledByUser):
            await running
        for _ in range(10):
            await asyncio.sleep(0)
        (recorded,) = calls(handler)
        assert recorded.status == "error"
        assert handler.open_runs == 0

    async def _cancelled(self, work: Any, provider: Provider) -> None:
        task = asyncio.ensure_future(work)
        await asyncio.to_thread(provider.server.asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
