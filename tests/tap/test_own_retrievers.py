"""This package's own path retrievers, beside the tap: each run is recorded once, by the explorer."""

from collections.abc import Iterator

import pytest
from neo4j import AsyncDriver, Driver

from examsgraph_callbacks import Journal, autolog
from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.graph import AsyncNeo4jGraph, Neo4jGraph, aexplore, explore
from examsgraph_callbacks.graph.tap import record_paths
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler, GraphPathRetriever
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


def test_within_a_recorded_block(driver: Driver, journal: Journal) -> None:
    graph = Neo4jGraph(driver, INDEX, LABEL)
    retriever = GraphPathRetriever(graph=graph, embeddings=KnownQuestions(), beam_width=1)
    with record_paths(journal=journal):
        retriever.invoke(QUESTION.text, config={"callbacks": [ExamsGraphCallbackHandler(journal)]})
    assert_explored(journal)


async def test_within_a_recorded_block_async(async_driver: AsyncDriver, journal: Journal) -> None:
    graph = AsyncNeo4jGraph(async_driver, INDEX, LABEL)
    retriever = GraphPathRetriever(graph=graph, embeddings=KnownQuestions(), beam_width=1)
    async with record_paths(journal=journal):
        await retriever.ainvoke(QUESTION.text, config={"callbacks": [ExamsGraphCallbackHandler(journal)]})
    assert_explored(journal)


def test_the_explorers_own_questions_are_nobodys_but_the_applications_are_heard(
    driver: Driver, journal: Journal
) -> None:
    graph = Neo4jGraph(driver, INDEX, LABEL)
    with record_paths(journal=journal):
        explore(QUESTION.embedding, graph)
        driver.execute_query(f"MATCH path = (:{LABEL} {{name: '정규화'}})-[:포함]->() RETURN path")
        explore(QUESTION.embedding, graph)
    exploration = explored(journal)
    assert (exploration.source, exploration.round_trips) == ("tap", 1)
    assert {(hop.node, hop.relation) for hop in exploration.hops} == {("정규화", "포함")}


async def test_the_same_awaited(async_driver: AsyncDriver, journal: Journal) -> None:
    graph = AsyncNeo4jGraph(async_driver, INDEX, LABEL)
    async with record_paths(journal=journal):
        await aexplore(QUESTION.embedding, graph)
        await async_driver.execute_query(
            f"MATCH path = (:{LABEL} {{name: '정규화'}})-[:포함]->() RETURN path"
        )
        await aexplore(QUESTION.embedding, graph)
    exploration = explored(journal)
    assert (exploration.source, exploration.round_trips) == ("tap", 1)
    assert {(hop.node, hop.relation) for hop in exploration.hops} == {("정규화", "포함")}


def test_a_block_of_nothing_but_own_questions_has_no_second_exploration(
    driver: Driver, journal: Journal
) -> None:
    with record_paths(journal=journal):
        explore(QUESTION.embedding, Neo4jGraph(driver, INDEX, LABEL))
    assert [fact for fact in journal.read() if isinstance(fact, Exploration)] == []


def assert_explored(journal: Journal) -> None:
    exploration = explored(journal)
    assert exploration.source == "explorer"
    assert "below_threshold" in {hop.verdict for hop in exploration.hops}
