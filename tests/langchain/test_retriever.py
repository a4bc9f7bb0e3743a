"""The path retriever's documents, and what it hands over to be recorded."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from examsgraph_callbacks.capture.exploration import ExplorationRecord, listen_for_explorations
from examsgraph_callbacks.errors import GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.graph import ConceptGraph, MemoryGraph, Neighbourhood
from examsgraph_callbacks.langchain.retriever import GraphPathRetriever
from tests.graph.graphs import KnownQuestions, demo_graph, demo_questions

QUESTION = demo_questions()[0]


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
