"""This package's own path retrievers, beside the tap: each run is recorded once, by the explorer."""

from collections.abc import Iterator

import pytest
from neo4j import Driver

from examsgraph_callbacks import Journal, autolog
from examsgraph_callbacks.graph import Neo4jGraph
from examsgraph_callbacks.langchain import GraphPathRetriever
from examsgraph_callbacks.llama_index import GraphPathRetriever as LlamaIndexGraphPathRetriever
from tests.graph.graphs import KnownQuestions, LlamaIndexKnownQuestions
from tests.tap.graph import INDEX, LABEL, QUESTION, explored


@pytest.fixture
def recorded(journal: Journal) -> Iterator[Journal]:
    autolog(journal)
    yield journal
    autolog(disable=True)


def test_langchains(driver: Driver, recorded: Journal) -> None:
    graph = Neo4jGraph(driver, INDEX, LABEL)
    GraphPathRetriever(graph=graph, embeddings=KnownQuestions(), beam_width=1).invoke(QUESTION.text)
    assert_explored(recorded)


async def test_langchains_async(driver: Driver, recorded: Journal) -> None:
    graph = Neo4jGraph(driver, INDEX, LABEL)
    retriever = GraphPathRetriever(graph=graph, embeddings=KnownQuestions(), beam_width=1)
    await retriever.ainvoke(QUESTION.text)
    assert_explored(recorded)


def test_llama_indexes(driver: Driver, recorded: Journal) -> None:
    graph = Neo4jGraph(driver, INDEX, LABEL)
    LlamaIndexGraphPathRetriever(graph, LlamaIndexKnownQuestions(), beam_width=1).retrieve(QUESTION.text)
    assert_explored(recorded)


async def test_llama_indexes_async(driver: Driver, recorded: Journal) -> None:
    graph = Neo4jGraph(driver, INDEX, LABEL)
    retriever = LlamaIndexGraphPathRetriever(graph, LlamaIndexKnownQuestions(), beam_width=1)
    await retriever.aretrieve(QUESTION.text)
    assert_explored(recorded)


def assert_explored(journal: Journal) -> None:
    exploration = explored(journal)
    assert exploration.source == "explorer"
    assert "below_threshold" in {hop.verdict for hop in exploration.hops}
