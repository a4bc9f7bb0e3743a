"""Calls over HTTP that are abandoned, cancelled, or handed to threads that know nothing of them."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from tests.langchain.ledger import World, agree, is_estimated, only_call
from tests.langchain.test_situations import CLAUDE
from tests.servers.openai_server import Answer

QUESTION = "정규화란 무엇인가요?"
SILENT = Answer(served_model=CLAUDE.served_model, falls_silent=True)


class TestStreamsThatTheConsumerAbandons:
    def check(self, the_world: World) -> None:
        recorded = only_call(the_world)
        assert (recorded.status, recorded.streamed) == ("partial", True)
        assert recorded.answer is not None
        assert str(recorded.answer[0].content) == "정규화는"
        assert recorded.time_to_first_token_ms is not None
        is_estimated(recorded)

    @pytest.mark.parametrize("close", [True, False], ids=["closed", "garbage collected"])
    @pytest.mark.parametrize("model", ["chat", "claude"])
    def test_are_partial(self, model: str, close: bool, the_world: World) -> None:
        the_world.server.default = SILENT
        stream: Any = getattr(the_world, model)().stream(QUESTION, the_world.config)
        for chunk in stream:
            if "정규화는" in chunk.text:
                break
        if close:
            stream.close()
        del stream
        gc.collect()
        self.check(the_world)

    def test_so_are_those_of_a_chain(self, the_world: World) -> None:
        the_world.server.default = SILENT
        stream: Any = (RunnableLambda(lambda question: question) | the_world.chat()).stream(
            QUESTION, the_world.config
        )
        for chunk in stream:
            if "정규화는" in chunk.text:
                break
        stream.close()
        self.check(the_world)

    @pytest.mark.parametrize("close", [True, False], ids=["closed", "garbage collected"])
    @pytest.mark.parametrize("model", ["chat", "claude"])
    async def test_are_partial_on_an_event_loop_too(self, model: str, close: bool, the_world: World) -> None:
        the_world.server.default = SILENT
        stream: Any = getattr(the_world, model)().astream(QUESTION, the_world.config)
        async for chunk in stream:
            if "정규화는" in chunk.text:
                break
        if close:
            await stream.aclose()
        del stream
        gc.collect()
        for _ in range(10):
            await asyncio.sleep(0)  # the loop closes generators within generators turn by turn
        await the_world.aclose()
        self.check(the_world)

    async def test_so_are_events_that_nobody_waits_for_any_more(self, the_world: World) -> None:
        the_world.server.default = SILENT
        events: Any = the_world.chat().astream_events(QUESTION, the_world.config, version="v2")
        async for event in events:
            if event["event"] == "on_chat_model_stream" and "정규화는" in str(event["data"]["chunk"].content):
                break
        await events.aclose()
        await asyncio.sleep(0)
        await the_world.aclose()
        self.check(the_world)


class TestCancelled:
    @pytest.mark.parametrize("model", ["chat", "claude"])
    async def test_a_call_is_recorded_once(self, model: str, the_world: World) -> None:
        the_world.server.default = Answer(delay_seconds=60)
        work = getattr(the_world, model)().ainvoke(QUESTION, the_world.config)
        await self._cancelled(work, the_world)
        recorded = only_call(the_world)
        assert (recorded.status, recorded.error_type) == ("error", "CancelledError")
        assert recorded.input_tokens is None

    async def test_a_stream_is_partial_with_what_had_come(self, the_world: World) -> None:
        the_world.server.default = SILENT
        came = asyncio.Event()

        async def read() -> None:
            async for chunk in the_world.chat().astream(QUESTION, the_world.config):
                if "정규화는" in str(chunk.content):
                    came.set()

        await self._cancelled(read(), the_world, once=came.wait)
        recorded = only_call(the_world)
        assert (recorded.status, recorded.error_type, recorded.streamed) == (
            "partial",
            "CancelledError",
            True,
        )
        assert recorded.answer is not None
        assert recorded.answer[0].content == "정규화는"

    async def test_a_chain_is_an_error_and_so_is_its_call(self, the_world: World) -> None:
        the_world.server.default = Answer(delay_seconds=60)
        chain = RunnableLambda(lambda question: question) | the_world.chat()
        await self._cancelled(chain.ainvoke(QUESTION, the_world.config), the_world)
        (recorded,), (turn,) = the_world.calls(), the_world.turns()
        assert (recorded.status, turn.status) == ("error", "error")
        assert recorded.parent_run_id == turn.run_id

    async def _cancelled(
        self,
        work: Awaitable[Any],
        the_world: World,
        once: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        task = asyncio.ensure_future(work)
        if once is None:
            await asyncio.to_thread(the_world.server.asked.wait, 10)
        else:
            await once()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        await the_world.aclose()
        assert the_world.handler.open_runs == 0


class TestWorkHandedToAPlainThreadPool:
    def test_without_the_context_is_recorded_as_its_own_trace(self, the_world: World) -> None:
        def step(question: str) -> Any:
            # a plain pool knows nothing of the chain around it, so the handler has to be named
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(the_world.chat().invoke, question, the_world.config).result()

        RunnableLambda(step).invoke(QUESTION, the_world.config)
        (recorded,) = agree(the_world, 1)
        (turn,) = the_world.turns()
        assert (recorded.trace_id, recorded.parent_run_id) == (recorded.run_id, None)
        assert recorded.trace_id != turn.trace_id

    def test_with_a_copied_context_is_linked_and_needs_no_handler(self, the_world: World) -> None:
        def step(question: str) -> Any:
            with ThreadPoolExecutor(4) as pool:
                work = [pool.submit(copy_context().run, the_world.chat().invoke, question) for _ in range(4)]
                return [done.result() for done in work]

        RunnableLambda(step).invoke(QUESTION, the_world.config)
        billed = agree(the_world, 4)
        (turn,) = the_world.turns()
        assert {fact.parent_run_id for fact in billed} == {turn.run_id}
