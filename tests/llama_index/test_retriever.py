"""The path retriever's nodes in LlamaIndex, and what an attached handler records of its exploration."""

import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pytest
from llama_index.core import Settings
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, QueryBundle
from neo4j import AsyncGraphDatabase

from examsgraph_callbacks.errors import GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.events import EmbeddingCall, Exploration, Retrieval
from examsgraph_callbacks.graph import Bounds, Embedder, MemoryGraph, Neighbourhood, Resource
from examsgraph_callbacks.langchain.retriever import GraphPathRetriever as LangChainRetriever
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler, GraphPathRetriever
from tests.graph.graphs import KnownQuestions, LlamaIndexKnownQuestions, demo_graph, demo_questions
from tests.graph.served import DEMO, connect, loaded
from tests.llama_index.models import ScriptedLLM, facts
from tests.servers.neo4j_server import Neo4jServer

QUESTION = demo_questions()[0]
MODELS: tuple[Embedder, ...] = (LlamaIndexKnownQuestions(), KnownQuestions())


class FailingOnTheSecondLevel(MemoryGraph):
    def neighbours(
        self, query_vector: Sequence[float], frontier: Sequence[str], max_degree: int
    ) -> Neighbourhood:
        if "제1정규형" in frontier:
            raise GraphUnavailableError("expected an answer, got none: start the server")
        return super().neighbours(query_vector, frontier, max_degree)


def graph(kind: type[MemoryGraph] = MemoryGraph, **more: Any) -> MemoryGraph:
    return kind(demo_graph().concepts, demo_graph().relations, **more)


def exploration_and_retrieval(handler: ExamsGraphEventHandler) -> tuple[Exploration, Retrieval]:
    (exploration,) = [fact for fact in facts(handler) if isinstance(fact, Exploration)]
    (retrieval,) = [fact for fact in facts(handler) if isinstance(fact, Retrieval)]
    assert exploration.parent_run_id == retrieval.run_id
    assert exploration.trace_id == retrieval.trace_id
    return exploration, retrieval


@pytest.mark.parametrize("model", MODELS, ids=["LlamaIndex's", "LangChain's"])
def test_nodes_are_what_documents_are_in_langchain(model: Embedder) -> None:
    nodes = GraphPathRetriever(graph(), model, beam_width=1).retrieve(QUESTION.text)
    documents = LangChainRetriever(graph=graph(), embeddings=KnownQuestions(), beam_width=1).invoke(
        QUESTION.text
    )
    assert [(each.node.node_id, each.text, each.metadata) for each in nodes] == [
        (document.id, document.page_content, document.metadata) for document in documents
    ]
    assert [each.score for each in nodes] == [document.metadata["score"] for document in documents]
    assert nodes[2].metadata["path"] == [
        ["정규화", "포함", "제1정규형"],
        ["제1정규형", "해결", "이상현상"],
        ["이상현상", "관련", "SQL 문법"],
    ]


async def test_async_and_sync_return_the_same_and_both_are_recorded(handler: ExamsGraphEventHandler) -> None:
    retriever = GraphPathRetriever(graph(), LlamaIndexKnownQuestions())
    assert await retriever.aretrieve(QUESTION.text) == retriever.retrieve(QUESTION.text)
    one, other = [fact for fact in facts(handler) if isinstance(fact, Exploration)]
    retrievals = [fact for fact in facts(handler) if isinstance(fact, Retrieval)]
    assert {one.parent_run_id, other.parent_run_id} == {retrieval.run_id for retrieval in retrievals}
    assert one.hops == other.hops != ()


def test_the_whole_exploration_is_recorded_under_its_retrieval(handler: ExamsGraphEventHandler) -> None:
    GraphPathRetriever(graph(), LlamaIndexKnownQuestions(), beam_width=1, max_degree=6).retrieve(
        QUESTION.text
    )
    exploration, retrieval = exploration_and_retrieval(handler)
    assert exploration.query == retrieval.query == QUESTION.text
    assert [hop.next_node for hop in exploration.hops if hop.verdict == "followed"] == [
        document.metadata["concept"]
        for document in sorted(retrieval.documents, key=lambda each: str(each.metadata["depth"]))
        if document.metadata["depth"]
    ]
    assert [node.node for node in exploration.sampled] == ["정규화"]
    assert exploration.backend == "memory: 62 concepts, 85 relations"
    (embedding,) = [fact for fact in facts(handler) if isinstance(fact, EmbeddingCall)]
    assert embedding.parent_run_id == retrieval.run_id


def test_in_a_query_engine_it_is_recorded_too(handler: ExamsGraphEventHandler) -> None:
    retriever = GraphPathRetriever(graph(), LlamaIndexKnownQuestions())
    RetrieverQueryEngine.from_args(retriever, llm=ScriptedLLM()).query(QUESTION.text)
    exploration, _ = exploration_and_retrieval(handler)
    assert exploration.hops


def test_what_was_looked_at_before_a_failure_is_recorded_with_the_error(
    handler: ExamsGraphEventHandler,
) -> None:
    retriever = GraphPathRetriever(graph(FailingOnTheSecondLevel), LlamaIndexKnownQuestions())
    with pytest.raises(GraphUnavailableError, match="start the server"):
        retriever.retrieve(QUESTION.text)
    exploration, retrieval = exploration_and_retrieval(handler)
    assert (exploration.status, retrieval.status) == ("error", "error")
    assert exploration.error_type == "GraphUnavailableError"
    assert {hop.depth for hop in exploration.hops} == {1}


def test_the_model_is_told_the_concept_and_its_text_and_no_figures() -> None:
    resource = Resource("video", "https://example.org/정규화", "정규화 10분")
    retriever = GraphPathRetriever(graph(resources={"정규화": [resource]}), LlamaIndexKnownQuestions())
    node = retriever.retrieve(QUESTION.text)[0].node
    assert node.get_content(MetadataMode.LLM) == f"concept: 정규화\n\n{node.get_content()}"
    assert node.metadata["resources"] == [
        {"kind": "video", "url": "https://example.org/정규화", "title": "정규화 10분"}
    ]


def test_of_several_texts_for_one_query_the_mean_counts() -> None:
    texts = [question.text for question in demo_questions()[:2]]
    both = [question.embedding for question in demo_questions()[:2]]
    mean = [(one + other) / 2 for one, other in zip(*both, strict=True)]
    retriever = GraphPathRetriever(graph(), LlamaIndexKnownQuestions())
    of_texts = retriever.retrieve(QueryBundle("?", custom_embedding_strs=texts))
    of_their_mean = retriever.retrieve(QueryBundle("?", embedding=mean))
    assert of_texts == of_their_mean


def test_without_an_embedding_model_it_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "_embed_model", LlamaIndexKnownQuestions())
    assert GraphPathRetriever(graph()).retrieve(QUESTION.text)[0].node.node_id == "정규화"


def test_what_is_no_embedding_model_is_refused() -> None:
    retriever = GraphPathRetriever(graph(), object())  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="of LangChain or LlamaIndex, got object: pass one with"):
        retriever.retrieve(QUESTION.text)


def test_its_bounds_are_those_of_an_exploration_unless_it_is_told_others() -> None:
    defaults = asdict(Bounds())
    for callee in (GraphPathRetriever.__init__, GraphPathRetriever.from_driver):
        told = inspect.signature(callee).parameters
        assert {name: told[name].default for name in defaults} == defaults


async def test_over_either_driver_it_is_made_in_one_call(
    neo4j_server: Neo4jServer, handler: ExamsGraphEventHandler
) -> None:
    login = (neo4j_server.username, neo4j_server.password)
    with connect(neo4j_server) as driver:
        loaded(neo4j_server, driver, demo_graph(), DEMO)
        called = GraphPathRetriever.from_driver(
            driver, LlamaIndexKnownQuestions(), index_name=DEMO[0], label=DEMO[1]
        ).retrieve(QUESTION.text)
    async with AsyncGraphDatabase.driver(neo4j_server.uri, auth=login) as driver_to_await:
        retriever = GraphPathRetriever.from_driver(
            driver_to_await, LlamaIndexKnownQuestions(), index_name=DEMO[0], label=DEMO[1]
        )
        awaited, *others = await asyncio.gather(*(retriever.aretrieve(QUESTION.text) for _ in range(5)))
        with pytest.raises(InvalidInputError, match="use aretrieve, or a graph of"):
            retriever.retrieve(QUESTION.text)
    assert awaited == called
    assert others == [awaited] * 4
    explorations = [fact for fact in facts(handler) if isinstance(fact, Exploration)]
    assert len({fact.parent_run_id for fact in explorations}) == 6
    assert {fact.index_name for fact in explorations} == {DEMO[0]}
    assert all(fact.hops == explorations[0].hops for fact in explorations)
