"""What else listens to a run goes on as if the handler were not there."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.language_models import BaseLanguageModel

from tests.langchain.ledger import World, world


class Listener(AsyncCallbackHandler):
    """Remembers what it is told, on the event loop."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def on_llm_start(self, *args: Any, **about: Any) -> None:
        self.told.append("start")

    async def on_chat_model_start(self, *args: Any, **about: Any) -> None:
        self.told.append("start")

    async def on_llm_end(self, *args: Any, **about: Any) -> None:
        self.told.append("end")


def model(kind: str, the_world: World) -> BaseLanguageModel[Any]:
    return the_world.chat() if kind == "chat" else the_world.completion(streaming=True)


KINDS = pytest.mark.parametrize("kind", ["chat", "completion"])


@KINDS
async def test_an_asynchronous_handler_is_told_of_beginning_and_end(kind: str, tmp_path: Path) -> None:
    with world(tmp_path) as the_world:
        listener = Listener()
        await model(kind, the_world).ainvoke("?", {"callbacks": [the_world.handler, listener]})
        await the_world.aclose()
        assert listener.told == ["start", "end"]
        assert len(the_world.calls()) == 1


@KINDS
async def test_events_stream_as_ever(kind: str, tmp_path: Path) -> None:
    with world(tmp_path) as the_world:
        events = model(kind, the_world).astream_events("?", the_world.config, version="v2")
        names = [event["event"] async for event in events]
        await the_world.aclose()
        assert names[0].endswith("_start")
        assert names[-1].endswith("_end")
        assert len(the_world.calls()) == 1
