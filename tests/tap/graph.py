"""The demonstration's graph in Neo4j, as each library's retrievers want it, and what its vectors say."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest
from neo4j import Driver, Result

from examsgraph_callbacks import Journal
from examsgraph_callbacks.events import Exploration
from tests.graph.graphs import demo_graph, demo_questions

__all__ = [
    "FULLTEXT",
    "HOPS",
    "INDEX",
    "KNOWN_VECTORS",
    "LABEL",
    "QUERY",
    "QUESTION",
    "VECTOR",
    "assert_true_hops",
    "by_session",
    "explored",
    "names",
    "nearest",
    "relations",
    "similarity",
    "vectors",
]
LABEL = "TapConcept"
INDEX = "tap_concept_embedding"
FULLTEXT = "tap_concept_words"
QUESTION = demo_questions()[0]
KNOWN_VECTORS = {question.text: [*question.embedding] for question in demo_questions()}


@cache
def vectors() -> dict[str, tuple[float, ...]]:
    return {concept.name: concept.embedding for concept in demo_graph().concepts}


@cache
def relations() -> frozenset[tuple[str, str, str]]:
    return frozenset((one.source, one.type, one.target) for one in demo_graph().relations)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return dot / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))


def similarity(one: str | Sequence[float], other: str | Sequence[float]) -> float:
    """(1 + cos) / 2 of two concepts or vectors."""
    first, second = (vectors()[item] if isinstance(item, str) else item for item in (one, other))
    return (1 + cosine(first, second)) / 2


def nearest(query_vector: Sequence[float], count: int) -> list[str]:
    """The concepts most similar to the query, best first."""
    return sorted(vectors(), key=lambda name: -similarity(query_vector, name))[:count]


def assert_true_hops(exploration: Exploration, query_vector: Sequence[float]) -> None:
    """Each hop is a relation of the graph, pointing as it does, with the scores that its vectors have."""
    for hop in exploration.hops:
        ends = (hop.node, hop.next_node) if hop.direction == "out" else (hop.next_node, hop.node)
        assert (ends[0], hop.relation, ends[1]) in relations()
        assert hop.similarity_score == pytest.approx(similarity(query_vector, hop.next_node), abs=1e-6)
        assert hop.edge_similarity == pytest.approx(similarity(hop.node, hop.next_node), abs=1e-6)
        assert hop.verdict == "followed"
    depths = [hop.depth for hop in exploration.hops]
    assert depths == sorted(depths)


def explored(journal: Journal) -> Exploration:
    """The one exploration in the journal."""
    (exploration,) = (fact for fact in journal.read() if isinstance(fact, Exploration))
    return exploration


# the query of tests about the driver, and what it finds
QUERY = (
    f"MATCH path = (a:{LABEL} {{name: '정규화'}})-[r]->(b) WHERE $query_vector IS NOT NULL "
    "RETURN path, b.name AS name ORDER BY b.name"
)
VECTOR = [*QUESTION.embedding]
HOPS = sum(source == "정규화" for source, _, _ in relations())


def names(journal: Journal) -> list[str]:
    """Where the hops of the one exploration lead to."""
    return sorted(hop.next_node for hop in explored(journal).hops)


def by_session(driver: Driver, read: Callable[[Result], Any]) -> Any:
    """Runs the query, and hands the result on while it can be read."""
    with driver.session() as session:
        return read(session.run(QUERY, {"query_vector": VECTOR}))
