"""An asynchronous chain whose stream is abandoned: the text that had come is that of its call."""

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from examsgraph_callbacks.measure import Meter
from tests.langchain.ledger import world
from tests.servers.openai_server import Answer


@pytest.mark.parametrize("close", [True, False], ids=["closed", "garbage collected"])
async def test_its_call_is_partial_with_what_had_come(close: bool, tmp_path: Path) -> None:
    with world(tmp_path) as the_world:
        the_world.server.default = Answer(falls_silent=True)
        chain = RunnableLambda(lambda question: question) | the_world.chat()
        stream: Any = chain.astream("정규화란?", the_world.config)
        async for chunk in stream:
            if "정규화는" in chunk.text:
                break
        if close:
            await stream.aclose()
        del stream
        gc.collect()
        async with asyncio.timeout(10):
            while the_world.handler.open_runs:  # noqa: ASYNC110 - the loop itself is what is waited for
                await asyncio.sleep(0)
        await the_world.aclose()
        (call,) = the_world.calls()
        assert call.status == "partial"
        # LangChain tells of the chain's end before that of the model, with the text
        assert call.answer is not None
        assert call.answer[0].content == "정규화는"
        assert Meter().measure(call).estimated
        assert the_world.handler.open_runs == 0
