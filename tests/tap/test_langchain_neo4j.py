"""langchain-neo4j, unmodified: its vector store as a retriever, and its graph in a retriever and a tool."""

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.output_parsers import StrOutputParser
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_core.vectorstores import VectorStoreRetriever
from langchain_neo4j import Neo4jGraph, Neo4jVector

from examsgraph_callbacks import Journal, autolog
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Exploration, Retrieval, RetrievalParams, ToolCall, Trace
from examsgraph_callbacks.graph import Neo4jGraph as ConceptGraphInNeo4j
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler, GraphPathRetriever, record_paths
from tests.servers.neo4j_server import Neo4jServer
from tests.tap.conftest import connect
from tests.tap.graph import (
    INDEX,
    KNOWN_VECTORS,
    LABEL,
    QUESTION,
    assert_true_hops,
    explored,
    nearest,
    relations,
)

# said of every search by neo4j-graphrag, of which langchain-neo4j has its queries
pytestmark = pytest.mark.filterwarnings("ignore:The default returned 'id' field:DeprecationWarning")

PATHS = """
    MATCH path = (node)-[*1..2]-(other)
    WITH node, score, collect(path) AS paths
    RETURN node.summary AS text, score, {name: node.name, paths: paths} AS metadata
"""
TRIPLETS = f"""
    MATCH (a:{LABEL} {{name: $name}})-[r*1..2]-(b:{LABEL})
    UNWIND r AS one
    WITH DISTINCT one
    RETURN startNode(one).name AS source, type(one) AS relation, endNode(one).name AS target
"""


class KnownQuestions(Embeddings):
    def embed_query(self, text: str) -> list[float]:
        # the store embeds a word of its own to learn the dimension
        return KNOWN_VECTORS.get(text, [1.0] * 384)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


@pytest.fixture
def store(server: Neo4jServer) -> Iterator[Neo4jVector]:
    store = Neo4jVector.from_existing_index(
        KnownQuestions(),
        url=server.uri,
        username=server.username,
        password=server.password,
        index_name=INDEX,
        retrieval_query=PATHS,
    )
    yield store
    store._driver.close()


@pytest.fixture
def graph(server: Neo4jServer) -> Iterator[Neo4jGraph]:
    # its schema it would read by APOC, which is not part of Neo4j itself
    graph = Neo4jGraph(server.uri, server.username, server.password, refresh_schema=False)
    yield graph
    graph.close()


class AsksTheGraph(BaseRetriever):
    """A retriever as applications write them, over langchain-neo4j's graph."""

    graph: Any

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        rows = self.graph.query(TRIPLETS, {"name": query})
        return [Document(" ".join(row.values())) for row in rows]


def test_the_vector_stores_retriever_is_recorded_under_its_run(store: Neo4jVector, journal: Journal) -> None:
    retriever = store.as_retriever(search_kwargs={"k": 2})
    assert record_paths(retriever) is retriever
    assert type(retriever) is VectorStoreRetriever
    handler = ExamsGraphCallbackHandler(journal)
    documents = retriever.invoke(QUESTION.text, config={"callbacks": [handler]})

    exploration, retrieval = journal.read()
    assert isinstance(exploration, Exploration)
    assert isinstance(retrieval, Retrieval)
    assert exploration.parent_run_id == retrieval.run_id
    assert exploration.hops
    assert_true_hops(exploration, QUESTION.embedding)
    assert [seed.node for seed in exploration.seeds] == nearest(QUESTION.embedding, 2)
    assert exploration.retrieval_params == RetrievalParams(depth=2, seeds=2)
    assert exploration.uncaptured == ()
    assert [document.metadata["name"] for document in documents] == nearest(QUESTION.embedding, 2)


async def test_sync_and_async_are_recorded_alike(store: Neo4jVector, journal: Journal) -> None:
    retriever = record_paths(store.as_retriever(search_kwargs={"k": 2}))
    config: Any = {"callbacks": [ExamsGraphCallbackHandler(journal)]}
    assert await retriever.ainvoke(QUESTION.text, config) == retriever.invoke(QUESTION.text, config)

    explorations = [fact for fact in journal.read() if isinstance(fact, Exploration)]
    assert len(explorations) == 2
    assert explorations[0].hops == explorations[1].hops != ()


async def test_many_at_once_are_not_mixed_up(store: Neo4jVector, journal: Journal) -> None:
    retriever = record_paths(store.as_retriever(search_kwargs={"k": 1}))
    questions = list(KNOWN_VECTORS)
    config: Any = {"callbacks": [ExamsGraphCallbackHandler(journal)]}
    found = await retriever.abatch(questions, config)
    assert retriever.batch(questions, config) == found

    names = {
        question: documents[0].metadata["name"] for question, documents in zip(questions, found, strict=True)
    }
    facts = list(journal.read())
    queries = {fact.run_id: fact.query for fact in facts if isinstance(fact, Retrieval)}
    explorations = [fact for fact in facts if isinstance(fact, Exploration)]
    assert len(explorations) == 2 * len(questions)
    for exploration in explorations:
        query = queries.pop(exploration.parent_run_id or "")
        assert query == exploration.query
        assert query is not None
        assert [seed.node for seed in exploration.seeds] == [names[query]]
        assert_true_hops(exploration, KNOWN_VECTORS[query])


def test_a_score_threshold_is_a_bound(store: Neo4jVector, journal: Journal) -> None:
    retriever = store.as_retriever(
        search_type="similarity_score_threshold", search_kwargs={"k": 3, "score_threshold": 0.75}
    )
    record_paths(retriever, journal=journal).invoke(QUESTION.text)
    params = explored(journal).retrieval_params
    assert (params.seeds, params.similarity_threshold) == (3, 0.75)


def test_without_a_handler_it_is_a_trace_of_its_own(store: Neo4jVector, journal: Journal) -> None:
    retriever = record_paths(store.as_retriever(search_kwargs={"k": 1}), journal=journal)
    documents = retriever.invoke(QUESTION.text)

    exploration, retrieval, trace = journal.read()
    assert isinstance(exploration, Exploration)
    assert isinstance(retrieval, Retrieval)
    assert isinstance(trace, Trace)
    assert (exploration.parent_run_id, retrieval.parent_run_id) == (retrieval.run_id, trace.run_id)
    assert [document.content for document in retrieval.documents] == [documents[0].page_content]


def test_a_retriever_over_the_graphs_triplets_gets_scores_by_one_lookup(
    graph: Neo4jGraph, journal: Journal
) -> None:
    retriever = record_paths(AsksTheGraph(graph=graph), journal=journal)
    documents = retriever.invoke("정규화")

    exploration = explored(journal)
    assert len(exploration.hops) == len(documents) > 5
    assert {hop.similarity_score for hop in exploration.hops} == {None}, "no query of it has a vector"
    assert all(hop.edge_similarity is not None for hop in exploration.hops)
    assert {(hop.node, hop.depth) for hop in exploration.hops if hop.depth == 1} == {("정규화", 1)}
    assert exploration.uncaptured == (
        "No query had a vector among its parameters: no hop has a similarity_score.",
    )


def test_in_a_tool_the_functions_queries_are_recorded_under_the_tools_run(
    graph: Neo4jGraph, journal: Journal
) -> None:
    @tool
    @record_paths
    def neighbours(concept: str) -> str:
        """The concepts around a concept."""
        rows = graph.query(
            f"MATCH (:{LABEL} {{name: $name}})-[r]-(b:{LABEL}) WITH r, b, "
            "vector.similarity.cosine(b.embedding, $query_vector) AS near "
            "RETURN [startNode(r).name, type(r), endNode(r).name] AS triplet ORDER BY near DESC",
            {"name": concept, "query_vector": KNOWN_VECTORS[QUESTION.text]},
        )
        return str(rows)

    handler = ExamsGraphCallbackHandler(journal)
    answer = neighbours.invoke({"concept": "정규화"}, config={"callbacks": [handler]})

    exploration, retrieval, call = journal.read()
    assert isinstance(exploration, Exploration)
    assert isinstance(retrieval, Retrieval)
    assert isinstance(call, ToolCall)
    assert (retrieval.name, retrieval.parent_run_id) == ("neighbours", call.run_id)
    assert exploration.query == "정규화"
    assert {hop.depth for hop in exploration.hops} == {1}
    assert_true_hops(exploration, QUESTION.embedding)
    assert all(hop.next_node in answer for hop in exploration.hops)


def test_without_lookup_nothing_more_is_asked_of_the_database(
    graph: Neo4jGraph, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_PATH_LOOKUP", "false")
    record_paths(AsksTheGraph(graph=graph), journal=journal).invoke("정규화")
    exploration = explored(journal)
    assert {(hop.similarity_score, hop.edge_similarity) for hop in exploration.hops} == {(None, None)}


def test_under_autolog_every_retriever_is_recorded_once(
    store: Neo4jVector, graph: Neo4jGraph, journal: Journal
) -> None:
    by_name = record_paths(store.as_retriever(search_kwargs={"k": 1}))
    autolog(journal)
    try:
        chain = by_name | RunnableLambda(lambda found: found[0].page_content) | StrOutputParser()
        chain.invoke(QUESTION.text)
        AsksTheGraph(graph=graph).invoke("정규화")
    finally:
        autolog(disable=True)
    AsksTheGraph(graph=graph).invoke("정규화")

    first, retrieval, trace, second, other = journal.read()
    assert isinstance(first, Exploration)
    assert isinstance(retrieval, Retrieval)
    assert isinstance(trace, Trace)
    assert isinstance(second, Exploration)
    assert isinstance(other, Retrieval)
    assert first.parent_run_id == retrieval.run_id
    assert retrieval.parent_run_id == first.trace_id == trace.run_id
    assert second.parent_run_id == other.run_id == second.trace_id


def test_our_own_path_retriever_records_itself_and_is_not_recorded_twice(
    server: Neo4jServer, journal: Journal
) -> None:
    with connect(server) as driver:
        own = GraphPathRetriever(
            graph=ConceptGraphInNeo4j(driver, INDEX, LABEL), embeddings=KnownQuestions(), depth=1
        )
        assert record_paths(own, journal=journal) is own

        class Asks(BaseRetriever):
            def _get_relevant_documents(
                self, query: str, *, run_manager: CallbackManagerForRetrieverRun
            ) -> list[Document]:
                return own.invoke(query, config={"callbacks": run_manager.get_child()})

        handler = ExamsGraphCallbackHandler(journal)
        record_paths(Asks()).invoke(QUESTION.text, config={"callbacks": [handler]})

    assert explored(journal).source == "explorer"


def test_what_is_no_retriever_is_refused_by_name(journal: Journal) -> None:
    with pytest.raises(InvalidInputError, match="a retriever of neo4j-graphrag or a function, got Document"):
        record_paths(Document("?"), journal=journal)


def test_the_relations_of_the_demonstration_are_what_the_database_holds(graph: Neo4jGraph) -> None:
    rows = graph.query(f"MATCH (a:{LABEL})-[r]->(b:{LABEL}) RETURN a.name, type(r), b.name")
    assert {tuple(row.values()) for row in rows} == relations()
