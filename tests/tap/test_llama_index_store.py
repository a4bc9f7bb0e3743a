"""LlamaIndex's property graph store with its VectorContextRetriever, unmodified."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.indices.property_graph import PGRetriever, VectorContextRetriever
from llama_index.core.schema import NodeWithScore

from examsgraph_callbacks import Journal, autolog
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import EmbeddingCall, Exploration, Retrieval, RetrievalParams, Trace
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler, record_paths
from tests.graph.graphs import demo_graph
from tests.servers.neo4j_server import Neo4jServer
from tests.tap.conftest import connect
from tests.tap.graph import KNOWN_VECTORS, QUESTION, assert_true_hops, explored, nearest

stores = pytest.importorskip(
    "llama_index.graph_stores.neo4j",
    reason="llama-index-graph-stores-neo4j asks for a driver before 6; beside 6, install it with --no-deps",
)


class KnownQuestions(BaseEmbedding):
    def _get_query_embedding(self, query: str) -> list[float]:
        return KNOWN_VECTORS[query]

    def _get_text_embedding(self, text: str) -> list[float]:
        raise NotImplementedError

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return KNOWN_VECTORS[query]


@pytest.fixture(scope="module")
def store(server: Neo4jServer) -> Iterator[Any]:
    """The store over the demonstration's graph.

    Neo4j comes without APOC, by which the store would read the schema and write nodes: it is told not
    to read the one, and the graph is written as it would have.
    """
    store = stores.Neo4jPropertyGraphStore(server.username, server.password, server.uri, refresh_schema=False)
    graph = demo_graph()
    with connect(server) as driver:
        if driver.execute_query("MATCH (n:__Entity__) RETURN count(n) AS count").records[0]["count"]:
            pytest.skip("the database holds a graph of LlamaIndex's already, which is left alone")
        driver.execute_query(
            "UNWIND $rows AS row CREATE (n:__Node__:__Entity__:TapEntity {id: row.name, name: row.name})"
            "SET n.embedding = row.embedding",
            rows=[concept.model_dump() for concept in graph.concepts],
        )
        for kind in {relation.type for relation in graph.relations}:
            driver.execute_query(
                "UNWIND $rows AS row MATCH (a:__Entity__ {id: row.source}), (b:__Entity__ {id: row.target}) "
                f"CREATE (a)-[:`{kind}`]->(b)",
                rows=[relation.model_dump() for relation in graph.relations if relation.type == kind],
            )
        driver.execute_query("CALL db.awaitIndexes(60)")
        yield store
        driver.execute_query("MATCH (n:TapEntity) DETACH DELETE n")
    store.close()
    # which it forgets
    asyncio.run(store._async_driver.close())


def retriever(store: Any, **more: Any) -> VectorContextRetriever:
    settings = {"similarity_top_k": 2, "path_depth": 2, "include_text": False, **more}
    return VectorContextRetriever(store, embed_model=KnownQuestions(), **settings)


def triplets(nodes: list[NodeWithScore]) -> set[tuple[str, ...]]:
    return {tuple(node.text.split(" -> ")) for node in nodes}


def told(exploration: Exploration) -> set[tuple[str, ...]]:
    return {
        (hop.node, hop.relation, hop.next_node)
        if hop.direction == "out"
        else (hop.next_node, hop.relation, hop.node)
        for hop in exploration.hops
    }


def test_every_hop_has_a_real_score_where_the_retrievers_own_are_0(store: Any, journal: Journal) -> None:
    asked = retriever(store)
    assert record_paths(asked) is asked
    with ExamsGraphEventHandler(journal):
        nodes = asked.retrieve(QUESTION.text)

    embedding, exploration, retrieval = journal.read()
    assert isinstance(embedding, EmbeddingCall)
    assert isinstance(exploration, Exploration)
    assert isinstance(retrieval, Retrieval)
    assert exploration.parent_run_id == retrieval.run_id
    assert 0.0 in {node.score for node in nodes}
    assert told(exploration) == triplets(nodes)
    assert_true_hops(exploration, QUESTION.embedding)
    assert {hop.depth for hop in exploration.hops} == {1, 2}
    assert {hop.node for hop in exploration.hops if hop.depth == 1} == set(nearest(QUESTION.embedding, 2))
    assert [seed.node for seed in exploration.seeds] == nearest(QUESTION.embedding, 2)
    assert exploration.retrieval_params == RetrievalParams(depth=2, seeds=2, max_hops=30)
    assert exploration.uncaptured == ()


async def test_async_is_recorded_alike(store: Any, journal: Journal) -> None:
    asked = record_paths(retriever(store))
    with ExamsGraphEventHandler(journal):
        nodes = await asked.aretrieve(QUESTION.text)
    exploration = explored(journal)
    assert told(exploration) == triplets(nodes)
    assert_true_hops(exploration, QUESTION.embedding)


def test_without_a_handler_it_is_a_trace_of_its_own(store: Any, journal: Journal) -> None:
    nodes = record_paths(retriever(store), journal=journal).retrieve(QUESTION.text)

    exploration, retrieval, trace = journal.read()
    assert isinstance(exploration, Exploration)
    assert isinstance(retrieval, Retrieval)
    assert isinstance(trace, Trace)
    assert (exploration.parent_run_id, retrieval.parent_run_id) == (retrieval.run_id, trace.run_id)
    assert (retrieval.name, retrieval.query) == ("VectorContextRetriever", QUESTION.text)
    assert [document.content for document in retrieval.documents] == [node.text for node in nodes]


def test_without_lookup_the_hops_have_no_scores_and_it_says_so(store: Any, journal: Journal) -> None:
    record_paths(retriever(store, path_depth=1), journal=journal, lookup=False).retrieve(QUESTION.text)
    exploration = explored(journal)
    assert {hop.similarity_score for hop in exploration.hops} == {None}
    (said,) = exploration.uncaptured
    assert said.startswith("No embedding of 384 numbers is known of ")


def test_a_similarity_score_is_a_bound(store: Any, journal: Journal) -> None:
    asked = record_paths(retriever(store, similarity_score=0.75), journal=journal)
    asked.retrieve(QUESTION.text)
    assert explored(journal).retrieval_params.similarity_threshold == 0.75


@pytest.mark.parametrize("use_async", [False, True])
def test_under_autolog_the_retriever_that_asks_has_the_exploration(
    store: Any, journal: Journal, use_async: bool
) -> None:
    autolog(journal)
    try:
        PGRetriever([retriever(store)], use_async=use_async).retrieve(QUESTION.text)
    finally:
        autolog(disable=True)
    retriever(store).retrieve(QUESTION.text)

    facts = list(journal.read())
    names = {fact.run_id: fact.name for fact in facts if isinstance(fact, Retrieval)}
    exploration = explored(journal)
    assert sorted(name or "" for name in names.values()) == [
        f"PGRetriever.{'retrieve'}",
        f"VectorContextRetriever.{'aretrieve' if use_async else 'retrieve'}",
    ]
    assert (names[exploration.parent_run_id or ""] or "").startswith("VectorContextRetriever")
    assert_true_hops(exploration, QUESTION.embedding)


def test_what_is_no_retriever_is_refused(journal: Journal) -> None:
    with pytest.raises(InvalidInputError, match="got str"):
        record_paths("정규화", journal=journal)
