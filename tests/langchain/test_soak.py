"""A minute of load: 200 concurrent asynchronous calls beside 16 threads, recorded once each, memory flat.

`EXAMSGRAPH_SOAK_SECONDS` sets how long (60).
"""

import asyncio
import gc
import os
import resource
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.models import ScriptedModel

pytestmark = pytest.mark.soak

SECONDS = float(os.environ.get("EXAMSGRAPH_SOAK_SECONDS", "60"))
CONCURRENT = 200
THREADS = 16


class Slow(ScriptedModel):
    """Answers after 20 ms, as many at once as are asked."""

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        await asyncio.sleep(0.02)
        return self._generate(messages)


@pytest.mark.timeout(SECONDS * 3 + 60)
def test_every_call_is_recorded_once_and_memory_is_flat(tmp_path: Path) -> None:
    handler = ExamsGraphCallbackHandler(tmp_path)
    model = Slow(usage={"input_tokens": 10, "output_tokens": 2, "total_tokens": 12})
    config: Any = {"callbacks": [handler]}
    ends_at = time.monotonic() + SECONDS
    made: Counter[str] = Counter()
    memory: list[int] = []

    def in_a_thread(name: str) -> None:
        number = 0
        while time.monotonic() < ends_at:
            with tutoring(user_id=name, question_id=f"{name}/{number}"):
                model.invoke("정규화란?", config)
            number += 1
        made[name] = number

    async def on_the_loop(name: str) -> None:
        number = 0
        while time.monotonic() < ends_at:
            with tutoring(user_id=name, question_id=f"{name}/{number}"):
                await model.ainvoke("정규화란?", config)
            number += 1
        made[name] = number

    async def watch() -> None:
        while time.monotonic() < ends_at:
            await asyncio.sleep(SECONDS / 20)
            gc.collect()
            memory.append(_resident_bytes())

    async def all_at_once() -> None:
        await asyncio.gather(*(on_the_loop(f"task_{n}") for n in range(CONCURRENT)), watch())

    threads = [threading.Thread(target=in_a_thread, args=(f"thread_{n}",)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    asyncio.run(all_at_once())
    for thread in threads:
        thread.join()

    calls = [(fact.user_id, fact.question_id) for fact in handler.journal.read() if isinstance(fact, LLMCall)]
    assert Counter(user for user, _ in calls) == made
    assert len(set(calls)) == sum(made.values())
    assert (handler.open_runs, failures.counts()) == (0, {})

    settled, last = memory[len(memory) // 4], memory[-1]
    print(  # noqa: T201
        f"\n{sum(made.values()):,} calls in {SECONDS:.0f} s ({CONCURRENT} tasks, {THREADS} threads), "
        f"memory {settled / 1e6:.1f} MB after a quarter, {last / 1e6:.1f} MB at the end, "
        f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.1f} MB",
    )
    assert last - settled < 20e6, f"memory grew by {(last - settled) / 1e6:.1f} MB"


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
