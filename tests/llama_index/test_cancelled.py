"""Calls that are cancelled by the thousand are ended once each and leave nothing in memory."""

import asyncio
import gc
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage, ChatResponse
from llama_index.core.llms.callbacks import llm_chat_callback
from pydantic import PrivateAttr

from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.llama_index.models import ScriptedLLM, calls


class Waiting(ScriptedLLM):
    """An LLM that never answers, and says when it has been asked often enough."""

    _asked: int = PrivateAttr(default=0)
    _enough: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        self._asked += 1
        if self._asked % 200 == 0:
            self._enough.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def asked_200_times(self) -> None:
        await self._enough.wait()
        self._enough.clear()


@pytest.mark.parametrize("batches", [4, pytest.param(12, marks=pytest.mark.soak)])
async def test_nothing_is_left_of_them(tmp_path: Path, batches: int) -> None:
    llm = Waiting()

    async def cancelled_after(batches: int) -> int:
        for _ in range(batches):
            tasks = [asyncio.ensure_future(llm.achat([ChatMessage("?")])) for _ in range(200)]
            await llm.asked_200_times()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    with ExamsGraphEventHandler(tmp_path) as handler:
        tracemalloc.start()
        try:
            # the loop itself keeps the last batch alive: only what grows with the number counts
            before = await cancelled_after(3)
            # twice: what others allocate meanwhile, on threads of earlier tests, they do not both times
            once, twice = await cancelled_after(batches), await cancelled_after(batches)
        finally:
            tracemalloc.stop()
    assert handler.open_runs == 0
    assert len(calls(handler)) == 200 * (3 + 2 * batches)
    assert {(call.status, call.error_type) for call in calls(handler)} == {("error", "CancelledError")}
    left = min(once - before, twice - once)
    assert left < 50_000, f"{left} bytes are left of {200 * batches:,} calls"
