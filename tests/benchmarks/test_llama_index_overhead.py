"""What the LlamaIndex handler adds to each kind of call, beside handlers that do nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.instrumentation.event_handlers import NullEventHandler
from llama_index.core.instrumentation.span_handlers import NullSpanHandler
from llama_index.core.llms import ChatMessage
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index_instrumentation import get_dispatcher

from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.benchmarks.paired import machine, paired
from tests.llama_index.models import USAGE, ScriptedLLM, Shelf

pytestmark = pytest.mark.benchmark

PROMPT = "정규화의 목적으로 가장 알맞은 것은? " * 40  # about 2.4 kB of UTF-8, a usual tutor prompt
LLM = ScriptedLLM(usage=USAGE)
ENGINE = RetrieverQueryEngine.from_args(Shelf(), llm=LLM)
LONG = ScriptedLLM(usage=USAGE, answer="정규 " * 1000)

Work = Callable[[int], None]


def chat(repetitions: int) -> None:
    messages = [ChatMessage(PROMPT)]
    for _ in range(repetitions):
        LLM.chat(messages)


def complete(repetitions: int) -> None:
    for _ in range(repetitions):
        LLM.complete(PROMPT)


def acomplete(repetitions: int) -> None:
    async def repeat() -> None:
        for _ in range(repetitions):
            await LLM.acomplete(PROMPT)

    asyncio.run(repeat())


def query(repetitions: int) -> None:
    for _ in range(repetitions):
        ENGINE.query(PROMPT)


def stream(repetitions: int) -> None:
    messages = [ChatMessage("?")]
    for _ in range(repetitions // 1000):
        for _token in LONG.stream_chat(messages):
            pass


def listening(attach: Callable[[], Any], detach: Callable[[], Any], work: Work) -> Work:
    def attached(repetitions: int) -> None:
        attach()
        try:
            work(repetitions)
        finally:
            detach()

    return attached


@pytest.mark.parametrize(
    ("name", "work", "repetitions"),
    [
        ("chat", chat, 200),
        ("complete (by chat)", complete, 200),
        ("acomplete (by achat)", acomplete, 200),
        ("query engine, 13 spans", query, 50),
        ("streamed token", stream, 2000),
    ],
)
def test_overhead(name: str, work: Work, repetitions: int, tmp_path: Path) -> None:
    root = get_dispatcher()
    handler = ExamsGraphEventHandler(tmp_path)
    no_op = NullEventHandler(), NullSpanHandler()

    def attach_no_op() -> None:
        root.add_event_handler(no_op[0])
        root.add_span_handler(no_op[1])

    def detach_no_op() -> None:
        root.event_handlers.remove(no_op[0])
        root.span_handlers.remove(no_op[1])

    variants = {
        "no handler": work,
        "no-op": listening(attach_no_op, detach_no_op, work),
        "ExamsGraph": listening(handler.attach, handler.detach, work),
    }
    timings = paired(variants, baseline="no handler", repetitions=repetitions)
    assert failures.counts() == {}, "a handler that fails is fast: these figures would be false"
    ours, baseline = timings["ExamsGraph"], timings["no handler"]
    print(  # noqa: T201
        f"\n{name:30} no handler {baseline.microseconds:8.2f} µs   "
        f"no-op added {timings['no-op'].added:6.2f} µs   ExamsGraph added {ours.added:7.2f} µs "
        f"({ours.added_low:.2f} to {ours.added_high:.2f})   {machine()}",
    )
