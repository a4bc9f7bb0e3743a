"""The path retriever's documents, and what it hands over to be recorded."""

import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from neo4j import AsyncGraphDatabase
from pydantic import ValidationError

from examsgraph_callbacks.capture.exploration import ExplorationRecord, listen_for_explorations
from examsgraph_callbacks.errors import GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.events import Exploration, RetrievalParams
from examsgraph_callbacks.graph import Bounds, ConceptGraph, MemoryGraph, Neighbourhood, Resource
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from examsgraph_callbacks.langchain.retriever import GraphPathRetriever
from tests.graph.graphs import KnownQuestions, LlamaIndexKnownQuestions, demo_graph, demo_questions
from tests.graph.served import DEMO, connect, loaded
from tests.servers.neo4j_server import Neo4jServer

QUESTION = demo_questions()[0]
TYPES = ("포함", "해결", "관련")


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[UUID, ExplorationRecord]] = []

    def record_exploration(self, run_id: UUID, exploration: ExplorationRecord) -> None:
        self.heard.append((run_id, exploration))


class FailingOnTheSecondLevel(MemoryGraph):
    def neighbours(
        self, query_vector: Sequence[float], frontier: Sequence[str], max_degree: int
    ) -> Neighbourhood:
        if "제1정규형" in frontier:
            raise GraphUnavailableError("expected an answer, got none: start the server")
        return super().neighbours(query_vector, frontier, max_degree)


@pytest.fixture
def listener() -> Listener:
    listener = Listener()
    listen_for_explorations(listener)
    return listener


def retriever(kind: type[MemoryGraph] = MemoryGraph, **bounds: float) -> GraphPathRetriever:
    graph: ConceptGraph = demo_graph()
    return GraphPathRetriever(
        graph=kind(graph.concepts, graph.relations),
        embeddings=KnownQuestions(),
        **bounds,
    )


def test_documents_are_the_concepts_texts_best_first_with_the_path_to_them() -> None:
    documents = retriever(beam_width=1).invoke(QUESTION.text)
    assert [document.id for document in documents] == ["정규화", "제1정규형", "SQL 문법", "이상현상"]
    assert documents[0].page_content == (
        "중복을 줄이고 이상현상을 막기 위해 릴레이션을 함수 종속성에 따라 분해하는 과정"
    )
    assert documents[0].metadata == {
        "score": 0.844003,
        "concept": "정규화",
        "path": [],
        "depth": 0,
    }
    assert documents[2].metadata == {
        "score": 0.722966,
        "concept": "SQL 문법",
        "path": [
            ["정규화", "포함", "제1정규형"],
            ["제1정규형", "해결", "이상현상"],
            ["이상현상", "관련", "SQL 문법"],
        ],
        "depth": 3,
    }


def test_the_score_stands_first_in_the_metadata() -> None:
    for document in retriever().invoke(QUESTION.text):
        assert next(iter(document.metadata)) == "score"


def test_its_bounds_bound_the_exploration() -> None:
    documents = retriever(depth=1, similarity_threshold=0.75, seeds=2).invoke(QUESTION.text)
    assert [(document.id, document.metadata["depth"]) for document in documents] == [
        ("정규화", 0),
        ("제1정규형", 0),
        ("반정규화", 1),
    ]


async def test_async_and_sync_return_the_same() -> None:
    question = QUESTION.text
    assert await retriever().ainvoke(question) == retriever().invoke(question)


def test_the_whole_exploration_is_handed_over_under_the_retrievers_run(listener: Listener) -> None:
    run_id = uuid4()
    retriever(beam_width=1).invoke(QUESTION.text, run_id=run_id)
    ((heard_run_id, exploration),) = listener.heard
    assert heard_run_id == run_id
    assert exploration.query == QUESTION.text
    assert [hop.next_node for hop in exploration.hops if hop.verdict == "followed"] == [
        "제1정규형",
        "이상현상",
        "SQL 문법",
    ]
    assert exploration.retrieval_params.beam_width == 1
    assert exploration.round_trips == 4
    assert exploration.backend == "memory: 62 concepts, 85 relations"
    assert exploration.latency_ms >= 0
    assert exploration.error is None


def test_what_was_looked_at_before_a_failure_is_handed_over_with_the_error(
    listener: Listener,
) -> None:
    with pytest.raises(GraphUnavailableError):
        retriever(FailingOnTheSecondLevel).invoke(QUESTION.text)
    ((_, exploration),) = listener.heard
    assert isinstance(exploration.error, GraphUnavailableError)
    assert {hop.depth for hop in exploration.hops} == {1}


def test_a_bound_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="similarity_threshold from 0 to 1, got 70"):
        retriever(similarity_threshold=70).invoke(QUESTION.text)


def test_a_concepts_resources_come_with_its_document() -> None:
    graph = demo_graph()
    resource = Resource("video", "https://example.org/정규화", "정규화 10분")
    documents = GraphPathRetriever(
        graph=MemoryGraph(graph.concepts, graph.relations, resources={"정규화": [resource]}),
        embeddings=KnownQuestions(),
    ).invoke(QUESTION.text)
    assert documents[0].metadata["resources"] == [
        {"kind": "video", "url": "https://example.org/정규화", "title": "정규화 10분"}
    ]
    assert all("resources" not in document.metadata for document in documents[1:])


def test_an_embedding_model_of_llama_index_does_as_well() -> None:
    graph = demo_graph()
    other = GraphPathRetriever(
        graph=MemoryGraph(graph.concepts, graph.relations), embeddings=LlamaIndexKnownQuestions()
    )
    assert other.invoke(QUESTION.text) == retriever().invoke(QUESTION.text)


def test_what_is_no_embedding_model_is_refused_at_once() -> None:
    graph = demo_graph()
    with pytest.raises(ValidationError, match="embeddings"):
        GraphPathRetriever(
            graph=MemoryGraph(graph.concepts, graph.relations),
            embeddings=object(),
        )


def test_its_bounds_are_those_of_an_exploration_unless_it_is_told_others() -> None:
    defaults = asdict(Bounds())
    assert {name: getattr(retriever(), name) for name in defaults} == defaults
    told = inspect.signature(GraphPathRetriever.from_driver).parameters
    assert {name: told[name].default for name in defaults} == defaults


def test_over_a_driver_it_is_made_in_one_call_and_recorded_with_all_that_is_known(
    neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    handler = ExamsGraphCallbackHandler(tmp_path)
    with connect(neo4j_server) as driver:
        loaded(neo4j_server, driver, demo_graph(), DEMO)
        over_a_driver = GraphPathRetriever.from_driver(
            driver,
            KnownQuestions(),
            index_name=DEMO[0],
            label=DEMO[1],
            relationship_types=TYPES,
            direction="both",
            max_degree=6,
        )
        documents = over_a_driver.invoke(QUESTION.text, config={"callbacks": [handler]})
    facts = {fact.kind: fact for fact in handler.journal.read()}
    exploration, retrieval = facts["exploration"], facts["retrieval"]
    assert isinstance(exploration, Exploration)
    assert exploration.parent_run_id == getattr(retrieval, "run_id", None)
    assert exploration.source == "explorer"
    assert exploration.index_name == DEMO[0]
    assert exploration.server is not None
    assert neo4j_server.version in exploration.server
    assert exploration.similarity_scale == "(1+cos)/2"
    assert exploration.retrieval_params == RetrievalParams(
        depth=3,
        similarity_threshold=0.7,
        max_hops=5,
        beam_width=2,
        fan_out=10,
        seeds=1,
        max_degree=6,
        relationship_types=TYPES,
        direction="both",
    )
    ends = [
        end for each in demo_graph().relations for end in {each.source, each.target} if each.type in TYPES
    ]
    assert [(node.node, node.degree) for node in exploration.sampled] == [("정규화", ends.count("정규화"))]
    assert {hop.relation for hop in exploration.hops} <= {*TYPES}
    for hop in exploration.hops:
        assert None not in (hop.similarity_score, hop.edge_similarity, hop.cosine)
    assert documents[0].id == exploration.seeds[0].node


async def test_over_an_asynchronous_driver_it_is_awaited(neo4j_server: Neo4jServer, tmp_path: Path) -> None:
    handler = ExamsGraphCallbackHandler(tmp_path)
    with connect(neo4j_server) as driver:
        loaded(neo4j_server, driver, demo_graph(), DEMO)
    login = (neo4j_server.username, neo4j_server.password)
    async with AsyncGraphDatabase.driver(neo4j_server.uri, auth=login) as driver_to_await:
        awaited = GraphPathRetriever.from_driver(
            driver_to_await, KnownQuestions(), index_name=DEMO[0], label=DEMO[1]
        )
        documents, *others = await asyncio.gather(
            *(awaited.ainvoke(QUESTION.text, config={"callbacks": [handler]}) for _ in range(5))
        )
        with pytest.raises(InvalidInputError, match="use ainvoke, or a graph of"):
            awaited.invoke(QUESTION.text)
    assert [document.id for document in documents] == [
        document.id for document in retriever().invoke(QUESTION.text)
    ]
    assert others == [documents] * 4
    explorations = [fact for fact in handler.journal.read() if isinstance(fact, Exploration)]
    assert len({fact.parent_run_id for fact in explorations}) == 5
    assert {fact.status for fact in explorations} == {"ok"}
    assert all(fact.hops == explorations[0].hops for fact in explorations)
