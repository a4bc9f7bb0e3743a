"""LlamaIndex under autolog: its turns, and its embedding calls with the usage that OpenAI's client knows."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.embeddings.openai import OpenAIEmbedding  # type: ignore[import-untyped]
from llama_index.llms.openai import OpenAI
from llama_index_instrumentation import get_dispatcher

from examsgraph_callbacks import Journal, autolog
from examsgraph_callbacks.events import EmbeddingCall, Fact, LLMCall, Trace
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.servers.openai_server import Answer, LedgerServer


@pytest.fixture
def server() -> Iterator[LedgerServer]:
    with LedgerServer() as server:
        server.will(*(Answer(input_tokens=number) for number in range(1, 40)))
        yield server


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    # LlamaIndex counts the tokens of a prompt on an event loop, and leaves open one that it has to make
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with httpx.Client() as http:
        yield http
    asyncio.set_event_loop(None)
    loop.close()


def embedding(server: LedgerServer, **more: Any) -> OpenAIEmbedding:
    return OpenAIEmbedding(
        model_name="text-embedding-3-small", api_base=server.url, api_key="not-a-key", max_retries=0, **more
    )


def query_engine(server: LedgerServer, http: httpx.Client, **more: Any) -> BaseQueryEngine:
    embed_model = embedding(server, http_client=http, embed_batch_size=2)
    texts = [Document(text=text) for text in ("정규화", "제1정규형", "이상현상")]
    llm = OpenAI(model="gpt-4o", api_base=server.url, api_key="not-a-key", max_retries=0, http_client=http)
    index = VectorStoreIndex.from_documents(texts, embed_model=embed_model)
    return index.as_query_engine(llm=llm, **more)


def billed(server: LedgerServer) -> list[int]:
    return sorted(bill.input_tokens for bill in server.ledger)


def recorded(facts: list[Fact]) -> list[int]:
    return sorted(fact.input_tokens or 0 for fact in facts if isinstance(fact, LLMCall | EmbeddingCall))


def test_a_query_is_one_turn_and_each_request_one_fact_with_its_tokens(
    journal: Journal,
    server: LedgerServer,
    http: httpx.Client,
) -> None:
    engine = query_engine(server, http)
    indexed = len(list(journal.read()))
    engine.query("정규화란?")

    facts = list(journal.read())
    assert recorded(facts) == billed(server)
    embedded, *_ = [fact for fact in facts[indexed:] if isinstance(fact, EmbeddingCall)]
    (answered,) = [fact for fact in facts if isinstance(fact, LLMCall)]
    (turn,) = [fact for fact in facts[indexed:] if isinstance(fact, Trace)]
    assert embedded.trace_id == answered.trace_id == turn.trace_id
    known = {fact.run_id for fact in facts[indexed:]}  # type: ignore[attr-defined]
    assert embedded.parent_run_id in known
    assert {fact.usage_source for fact in facts if isinstance(fact, EmbeddingCall)} == {"reported"}


async def test_asynchronous_requests_are_one_fact_each_too(journal: Journal, server: LedgerServer) -> None:
    async with httpx.AsyncClient() as ahttp:
        model = embedding(server, async_http_client=ahttp, embed_batch_size=2)
        await model.aget_text_embedding_batch(["정규화", "제1정규형", "이상현상"])
        await model.aget_query_embedding("?")

    facts = list(journal.read())
    assert recorded(facts) == billed(server) == [1, 2, 3]
    assert {fact.kind for fact in facts} == {"embedding_call"}
    assert sorted(fact.text_count for fact in facts if isinstance(fact, EmbeddingCall)) == [1, 1, 2]
    assert all(fact.parent_run_id is None for fact in facts if isinstance(fact, EmbeddingCall))


def test_a_handler_attached_by_hand_too_doubles_nothing(
    journal: Journal,
    server: LedgerServer,
    http: httpx.Client,
) -> None:
    with ExamsGraphEventHandler(journal):
        engine = query_engine(server, http, streaming=True)
        list(engine.query("정규화란?").response_gen)  # type: ignore[union-attr, arg-type]

    facts = list(journal.read())
    # the stream carries no usage: it is there, and to be estimated
    assert len([fact for fact in facts if isinstance(fact, LLMCall)]) == 1
    assert len([fact for fact in facts if isinstance(fact, EmbeddingCall)]) == len(server.ledger) - 1
    assert len({fact.run_id for fact in facts}) == len(facts)  # type: ignore[attr-defined]


def test_disabled_the_dispatcher_is_as_it_was(journal: Journal) -> None:
    autolog(disable=True)
    root = get_dispatcher()
    assert not [handler for handler in root.event_handlers if isinstance(handler, ExamsGraphEventHandler)]
    assert not [handler for handler in root.span_handlers if "ExamsGraph" in handler.class_name()]
