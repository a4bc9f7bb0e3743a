"""`autolog(disable=True)` undoes it all: what was touched is what it was, object for object."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from langchain_core.callbacks import BaseCallbackHandler, CallbackManager
from langchain_core.tracers import context as langchain_hooks
from llama_index.core.llms import ChatMessage
from llama_index_instrumentation import get_dispatcher
from openai.resources.embeddings import AsyncEmbeddings, Embeddings

from examsgraph_callbacks import Journal, autolog
from examsgraph_callbacks.events import LLMCall
from tests.langchain.models import ScriptedModel
from tests.llama_index.models import ScriptedLLM
from tests.servers.openai_server import LedgerServer


def touched() -> dict[str, Any]:
    """All that autolog reaches into, as it stands."""
    root = get_dispatcher()
    return {
        "finders": list(sys.meta_path),
        "event handlers": list(root.event_handlers),
        "span handlers": list(root.span_handlers),
        "embeddings": vars(Embeddings)["create"],
        "asynchronous embeddings": vars(AsyncEmbeddings)["create"],
        "handlers of a run": handlers_of_a_run(),
        "hooks": len(langchain_hooks._configure_hooks),
    }


def handlers_of_a_run() -> list[BaseCallbackHandler]:
    return CallbackManager.configure().handlers


def use(server: LedgerServer) -> None:
    ScriptedModel().invoke("?")
    ScriptedLLM().chat([ChatMessage("?")])
    with openai.OpenAI(base_url=server.url, api_key="not-a-key", max_retries=0) as client:
        client.embeddings.create(input="?", model="text-embedding-3-small")


@pytest.fixture
def off() -> Iterator[None]:
    # LangChain takes no hook back: the first switching on leaves one, which answers that there is no handler
    autolog()
    autolog(disable=True)
    yield
    autolog(disable=True)


@pytest.mark.parametrize("used", [True, False], ids=["after use", "before use"])
def test_each_thing_is_the_same_object_again(used: bool, off: None, tmp_path: Path) -> None:
    before = touched()
    with LedgerServer() as server:
        for number in range(3):
            autolog(tmp_path, user_id=f"user_{number}")
            now = touched()
            for name in ("span handlers", "embeddings", "asynchronous embeddings", "handlers of a run"):
                assert now[name] != before[name], name
            if used:
                use(server)
        autolog(disable=True)
        autolog(disable=True)
        after = touched()
        for name, thing in before.items():
            assert after[name] == thing, name
        use(server)
    assert len(list(Journal(tmp_path).read())) == (9 if used else 0)


def test_a_stream_begun_before_is_recorded_and_one_begun_after_is_not(off: None, tmp_path: Path) -> None:
    autolog(tmp_path)
    begun, begun_too = ScriptedModel().stream("?"), ScriptedLLM().stream_chat([ChatMessage("?")])
    next(begun)
    next(begun_too)
    autolog(disable=True)
    list(begun)
    list(begun_too)
    del begun, begun_too
    list(ScriptedModel().stream("?"))
    list(ScriptedLLM().stream_chat([ChatMessage("?")]))
    of_langchain, of_llama_index = [fact for fact in Journal(tmp_path).read() if isinstance(fact, LLMCall)]
    assert of_langchain.status == "ok"
    # LlamaIndex has nobody to tell of the rest: what had come by then is known
    assert of_llama_index.status == "partial"
