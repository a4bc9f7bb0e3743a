"""No run stays open: a cancelled or abandoned call is recorded once and leaves nothing in memory."""

import asyncio
import gc
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda

from examsgraph_callbacks.capture import Clock, Recorder
from examsgraph_callbacks.events import LLMCall, Retrieval, RunFact, Trace
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.models import ScriptedModel


class Waiting(ScriptedModel):
    """A model that answers when `answer_now` is set."""

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


class WaitingShelf(BaseRetriever):
    """A retriever that never answers."""

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
    ) -> list[Document]:
        raise AssertionError("the asynchronous way is the one under test")

    async def _aget_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


@pytest.fixture
def handler(tmp_path: Path) -> ExamsGraphCallbackHandler:
    return ExamsGraphCallbackHandler(tmp_path)


def facts(handler: ExamsGraphCallbackHandler) -> list[RunFact]:
    return [fact for fact in handler.journal.read() if isinstance(fact, RunFact)]


async def cancelled(work: Any) -> None:
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)  # lets it begin
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_call_is_an_error_of_unknown_usage(handler: ExamsGraphCallbackHandler) -> None:
    await cancelled(Waiting().ainvoke("?", {"callbacks": [handler]}))
    await asyncio.sleep(0)  # done-callbacks run in the loop's next turn
    (call,) = facts(handler)
    assert isinstance(call, LLMCall)
    assert (call.status, call.error_type, call.input_tokens) == ("error", "CancelledError", None)
    assert call.requested_model == "gpt-4o"
    assert handler.open_runs == 0


async def test_a_cancelled_retriever_is_an_error(handler: ExamsGraphCallbackHandler) -> None:
    await cancelled(WaitingShelf().ainvoke("정규화", {"callbacks": [handler]}))
    await asyncio.sleep(0)
    (retrieval,) = facts(handler)
    assert isinstance(retrieval, Retrieval)
    assert (retrieval.status, retrieval.query) == ("error", "정규화")
    assert handler.open_runs == 0


async def test_a_call_that_timed_out_inside_its_task_is_ended_with_the_turn(
    handler: ExamsGraphCallbackHandler,
) -> None:
    async def step(question: str) -> str:
        try:
            async with asyncio.timeout(0.001):
                await Waiting().ainvoke(question)
        except TimeoutError:
            return "다시 시도해 주세요"
        return "never"

    assert await RunnableLambda(step).ainvoke("?", {"callbacks": [handler]}) == "다시 시도해 주세요"
    ended = {type(fact): (fact.status, fact.error_type) for fact in facts(handler)}
    assert ended == {Trace: ("ok", None), LLMCall: ("error", "CancelledError")}
    assert handler.open_runs == 0


async def test_a_call_that_outlives_its_turn_in_a_task_of_its_own_is_left_to_end(
    handler: ExamsGraphCallbackHandler,
) -> None:
    background: set[asyncio.Task[Any]] = set()
    model = ScriptedModel(usage={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2})
    proceed = asyncio.Event()

    async def summarise() -> None:
        await proceed.wait()
        await model.ainvoke("요약")

    async def step(question: str) -> str:
        background.add(asyncio.create_task(summarise()))
        return question

    await RunnableLambda(step).ainvoke("?", {"callbacks": [handler]})
    proceed.set()
    await asyncio.gather(*background)
    trace, call = facts(handler)
    assert isinstance(call, LLMCall)
    assert (trace.status, call.status) == ("ok", "ok")


async def test_a_task_that_ends_well_ends_no_run_of_another(handler: ExamsGraphCallbackHandler) -> None:
    # astream_events begins runs in tasks shorter than they are
    model = ScriptedModel(usage={"input_tokens": 5, "output_tokens": 1, "total_tokens": 6})
    async for _ in model.astream_events("?", {"callbacks": [handler]}, version="v2"):
        await asyncio.sleep(0)
    (call,) = facts(handler)
    assert isinstance(call, LLMCall)
    assert (call.status, call.input_tokens) == ("ok", 5)


async def test_what_a_task_left_behind_is_ended_after_the_grace_period(tmp_path: Path) -> None:
    elapsed_ns = 0
    clock = Clock(elapsed_ns=lambda: elapsed_ns)
    handler = ExamsGraphCallbackHandler(tmp_path, clock=clock)

    async def give_up() -> None:
        try:
            async with asyncio.timeout(0.001):
                await Waiting().ainvoke("lost", {"callbacks": [handler]})
        except TimeoutError:
            pass

    await asyncio.create_task(give_up())
    assert handler.open_runs == 1
    elapsed_ns = 9 * 60 * 10**9
    await ScriptedModel().ainvoke("soon after", {"callbacks": [handler]})
    assert handler.open_runs == 1
    elapsed_ns = 11 * 60 * 10**9
    await ScriptedModel().ainvoke("much later", {"callbacks": [handler]})
    assert handler.open_runs == 0
    (lost,) = [fact for fact in facts(handler) if fact.status == "error"]
    assert lost.error_type == "UnfinishedRunError"


@pytest.mark.parametrize("close", [True, False], ids=["closed", "garbage collected"])
def test_a_stream_that_the_consumer_abandons_is_partial(
    close: bool,
    handler: ExamsGraphCallbackHandler,
) -> None:
    stream = ScriptedModel().stream("?", {"callbacks": [handler]})
    for _ in range(3):
        next(stream)
    if close:
        stream.close()  # type: ignore[attr-defined] # it is a generator
    del stream
    gc.collect()
    (call,) = facts(handler)
    assert isinstance(call, LLMCall)
    assert call.status == "partial"
    assert call.answer is not None
    assert call.answer[0].content == "정규화는 중복을 "
    assert handler.open_runs == 0


async def test_an_asynchronous_stream_that_is_abandoned_is_partial(
    handler: ExamsGraphCallbackHandler,
) -> None:
    stream = ScriptedModel().astream("?", {"callbacks": [handler]})
    for _ in range(3):
        await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined] # it is a generator
    (call,) = facts(handler)
    assert isinstance(call, LLMCall)
    assert (call.status, call.streamed) == ("partial", True)
    assert handler.open_runs == 0


def test_what_is_open_when_the_process_ends_is_recorded(tmp_path: Path) -> None:
    code = f"""
import asyncio
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.test_unfinished import Waiting
handler = ExamsGraphCallbackHandler({str(tmp_path)!r})
loop = asyncio.new_event_loop()
task = loop.create_task(Waiting().ainvoke("?", {{"callbacks": [handler]}}))
loop.run_until_complete(asyncio.wait([task], timeout=0.05))
assert handler.open_runs == 1
"""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=Path(__file__).resolve().parents[2],
        check=True,
        capture_output=True,
    )
    (call,) = Journal(tmp_path).read()
    assert isinstance(call, LLMCall)
    assert (call.status, call.error_type) == ("error", "UnfinishedRunError")


def test_a_forked_child_leaves_the_parents_runs_to_the_parent(handler: ExamsGraphCallbackHandler) -> None:
    recorder: Recorder = handler._recorder
    list_before = recorder._open.snapshot()
    stream = ScriptedModel().stream("?", {"callbacks": [handler]})
    next(stream)
    assert len(recorder) == 1
    recorder.forget_all()  # what runs in the child after a fork
    assert recorder._open.snapshot() == list_before == []


@pytest.mark.parametrize("thousands", [1, pytest.param(9, marks=pytest.mark.soak)])
async def test_thousands_of_cancelled_calls_leave_nothing_in_memory(
    handler: ExamsGraphCallbackHandler, thousands: int
) -> None:
    model = Waiting()

    async def cancel_some(count: int) -> None:
        tasks = [asyncio.create_task(model.ainvoke("?", {"callbacks": [handler]})) for _ in range(count)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def traced_after(batches: int) -> int:
        for _ in range(batches):
            await cancel_some(500)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        # the loop itself keeps the last batch alive: only what grows with the number counts
        before = await traced_after(2)
        # twice: what others allocate meanwhile, on threads of earlier tests, they do not both times
        once, twice = await traced_after(2 * thousands), await traced_after(2 * thousands)
    finally:
        tracemalloc.stop()
    assert handler.open_runs == 0
    assert sum(1 for _ in handler.journal.read()) == 1000 * (1 + 2 * thousands)
    left = min(once - before, twice - once)
    assert left < 100_000, f"{left} bytes are left of {1000 * thousands:,} calls"
