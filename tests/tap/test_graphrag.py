"""neo4j-graphrag's retrievers, unmodified and outside any framework: a trace of its own for each search."""

import gc
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda
from neo4j import Driver, Record, Session
from neo4j_graphrag.embeddings.base import Embedder
from neo4j_graphrag.exceptions import SearchValidationError
from neo4j_graphrag.retrievers import HybridCypherRetriever, VectorCypherRetriever, VectorRetriever
from neo4j_graphrag.types import RetrieverResultItem

from examsgraph_callbacks import Journal, autolog, tutoring
from examsgraph_callbacks.events import Exploration, Retrieval, RetrievalParams, Trace
from examsgraph_callbacks.graph.tap import record_paths
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from examsgraph_callbacks.langchain import record_paths as record_paths_of_langchain
from tests.tap.graph import (
    FULLTEXT,
    INDEX,
    KNOWN_VECTORS,
    QUESTION,
    assert_true_hops,
    explored,
    nearest,
    similarity,
)

# said of every search by neo4j-graphrag itself
pytestmark = pytest.mark.filterwarnings("ignore:The default returned 'id' field:DeprecationWarning")

PATHS = "MATCH path = (node)-[*1..2]-(other) RETURN path, score"


class KnownQuestions(Embedder):
    def embed_query(self, text: str) -> list[float]:
        return KNOWN_VECTORS[text]


def vector_cypher(driver: Driver, retrieval_query: str = PATHS) -> VectorCypherRetriever:
    return VectorCypherRetriever(driver, INDEX, retrieval_query, KnownQuestions())


def test_every_hop_of_a_vector_cypher_retriever_is_recorded_with_its_scores(
    driver: Driver, journal: Journal
) -> None:
    result = record_paths(vector_cypher(driver), journal=journal).search(query_text=QUESTION.text, top_k=2)

    exploration = explored(journal)
    assert exploration.source == "tap"
    assert exploration.query == QUESTION.text
    assert {hop.depth for hop in exploration.hops} == {1, 2}
    assert_true_hops(exploration, QUESTION.embedding)
    assert len(result.items) > len(exploration.hops) > 10, "paths share hops, and each is recorded once"
    assert [seed.node for seed in exploration.seeds] == nearest(QUESTION.embedding, 2)
    assert exploration.seeds[0].similarity_score == pytest.approx(result_score(result.items[0]), abs=1e-6)
    assert exploration.retrieval_params == RetrievalParams(depth=2, seeds=2)
    assert exploration.backend is not None
    assert exploration.backend.startswith("Neo4j/5.")
    assert exploration.uncaptured == ()


def result_score(item: RetrieverResultItem) -> float:
    return float(str(item.content).rpartition("score=")[2].rstrip(">"))


def test_a_hybrid_cypher_retriever_whose_scores_rank_words_too_has_seeds_on_the_scale(
    driver: Driver, journal: Journal
) -> None:
    retriever = HybridCypherRetriever(driver, INDEX, FULLTEXT, PATHS, KnownQuestions())
    record_paths(retriever, journal=journal).search(query_text=QUESTION.text, top_k=2)

    exploration = explored(journal)
    assert_true_hops(exploration, QUESTION.embedding)
    assert exploration.hops
    assert exploration.seeds
    for seed in exploration.seeds:
        expected = similarity(QUESTION.embedding, seed.node)
        assert seed.similarity_score == pytest.approx(expected, abs=1e-6)


def test_a_vector_retriever_shows_its_seeds_and_says_that_there_is_no_more(
    driver: Driver, journal: Journal
) -> None:
    retriever = VectorRetriever(driver, INDEX, KnownQuestions())
    record_paths(retriever, journal=journal).search(query_text=QUESTION.text, top_k=3)

    exploration = explored(journal)
    assert exploration.hops == ()
    assert [seed.node for seed in exploration.seeds] == nearest(QUESTION.embedding, 3)
    assert exploration.uncaptured == (
        "The queries returned no path, relationship or triplet that names its nodes.",
    )


def test_it_is_recorded_as_a_trace_of_its_own_with_whom_it_was_for(driver: Driver, journal: Journal) -> None:
    retriever = record_paths(vector_cypher(driver), journal=journal)
    with tutoring(user_id="user_001", wrong_concept="정규화"):
        result = retriever.search(query_text=QUESTION.text, top_k=1)

    exploration, retrieval, trace = journal.read()
    assert isinstance(exploration, Exploration)
    assert isinstance(retrieval, Retrieval)
    assert isinstance(trace, Trace)
    assert {fact.trace_id for fact in (exploration, retrieval, trace)} == {trace.run_id}
    assert (exploration.parent_run_id, retrieval.parent_run_id) == (retrieval.run_id, trace.run_id)
    assert trace.name == retrieval.name == "VectorCypherRetriever"
    assert trace.inputs == retrieval.query == QUESTION.text
    assert len(retrieval.documents) == len(result.items)
    assert {fact.user_id for fact in (exploration, retrieval, trace)} == {"user_001"}
    assert exploration.wrong_concept == "정규화"


def test_in_a_recorded_chain_it_is_a_retrieval_of_the_chain(driver: Driver, journal: Journal) -> None:
    retriever = record_paths(vector_cypher(driver))

    def search(question: str) -> str:
        return str(retriever.search(query_text=question, top_k=1).items[0].content)

    handler = ExamsGraphCallbackHandler(journal)
    RunnableLambda(search).invoke(QUESTION.text, config={"callbacks": [handler]})

    exploration, retrieval, trace = journal.read()
    assert isinstance(exploration, Exploration)
    assert isinstance(retrieval, Retrieval)
    assert isinstance(trace, Trace)
    assert trace.name == "search"
    assert (exploration.parent_run_id, retrieval.parent_run_id) == (retrieval.run_id, trace.run_id)


def test_the_retriever_itself_is_left_as_it_was(driver: Driver, journal: Journal) -> None:
    plain, recorded = vector_cypher(driver), vector_cypher(driver)
    before = dict(vars(recorded))
    assert record_paths(recorded, journal=journal) is recorded
    assert vars(recorded) == before
    assert type(recorded) is VectorCypherRetriever
    as_ever = plain.search(query_text=QUESTION.text, top_k=2)
    assert list(journal.read()) == [], "the other retriever of its class is not recorded"
    assert recorded.search(query_text=QUESTION.text, top_k=2) == as_ever


def test_langchains_door_takes_it_too(driver: Driver, journal: Journal) -> None:
    record_paths_of_langchain(vector_cypher(driver), journal=journal).search(
        query_text=QUESTION.text, top_k=1
    )
    assert explored(journal).hops


def test_an_error_of_the_search_reaches_the_caller_and_is_recorded(driver: Driver, journal: Journal) -> None:
    retriever = record_paths(vector_cypher(driver), journal=journal)
    with pytest.raises(SearchValidationError):
        retriever.search(query_text=QUESTION.text, top_k=-1)
    retrieval, trace = journal.read()
    assert isinstance(retrieval, Retrieval)
    assert isinstance(trace, Trace)
    assert retrieval.error_type == trace.error_type == "SearchValidationError"


def test_what_its_query_fails_with_is_the_explorations_error_too(driver: Driver, journal: Journal) -> None:
    retriever = record_paths(vector_cypher(driver, "RETURN 1 / 0 AS nothing"), journal=journal)
    with pytest.raises(Exception, match="by zero"):
        retriever.search(query_text=QUESTION.text)
    exploration = explored(journal)
    assert (exploration.status, exploration.error_type) == ("error", "ClientError")
    assert exploration.hops == ()
    assert exploration.round_trips


def test_a_result_formatter_gets_the_drivers_own_records(driver: Driver, journal: Journal) -> None:
    formatted: list[Any] = []

    def remember(record: Record) -> RetrieverResultItem:
        formatted.append(record)
        return RetrieverResultItem(content="")

    retriever = VectorCypherRetriever(driver, INDEX, PATHS, KnownQuestions(), remember)
    record_paths(retriever, journal=journal).search(query_text=QUESTION.text, top_k=1)
    assert {type(record) for record in formatted} == {Record}


def test_listening_ends_with_the_retriever(driver: Driver, journal: Journal) -> None:
    gc.collect()
    own = Session.run, VectorCypherRetriever.search
    retriever = record_paths(vector_cypher(driver), journal=journal)
    assert (Session.run, VectorCypherRetriever.search) != own
    del retriever
    gc.collect()
    assert (Session.run, VectorCypherRetriever.search) == own


def test_under_autolog_every_search_is_recorded_and_the_classes_are_put_back(
    driver: Driver, journal: Journal
) -> None:
    gc.collect()
    own = Session.run, VectorCypherRetriever.search
    before = vector_cypher(driver)
    autolog(journal, user_id="user_001")
    try:

        class Mine(VectorCypherRetriever):
            def get_search_results(self, *args: Any, **kwargs: Any) -> Any:
                return super().get_search_results(*args, **kwargs)

        after = Mine(driver, INDEX, PATHS, KnownQuestions())
        for retriever in (before, after):
            retriever.search(query_text=QUESTION.text, top_k=1)
    finally:
        autolog(disable=True)
    before.search(query_text=QUESTION.text, top_k=1)

    explorations = [fact for fact in journal.read() if isinstance(fact, Exploration)]
    assert [exploration.user_id for exploration in explorations] == ["user_001", "user_001"]
    assert explorations[0].hops == explorations[1].hops
    assert (Session.run, VectorCypherRetriever.search) == own
