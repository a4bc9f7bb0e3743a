"""A concept graph loaded into a server, whichever it is, and what it means for two explorations to agree."""

import pytest
from neo4j import Driver, GraphDatabase

from examsgraph_callbacks.graph import ConceptGraph, ExplorationResult, load_graph, write_graph
from tests.servers.neo4j_server import Neo4jServer, create_vector_index

DEMO = ("시험 임베딩", "시험 개념")  # an index and a label that have to be quoted
TOPICS = ("topic_embedding", "Topic")


def connect(server: Neo4jServer, *, uri: str | None = None, password: str | None = None) -> Driver:
    """A driver that does not retry: what goes wrong in a test goes wrong at once."""
    return GraphDatabase.driver(
        uri or server.uri,
        auth=(server.username, password or server.password),
        max_transaction_retry_time=0,
    )


def loaded(server: Neo4jServer, driver: Driver, graph: ConceptGraph, names: tuple[str, str]) -> None:
    """Write the graph, with its index, as index and label of these names."""
    index_name, label = names
    if server.product == "neo4j":
        load_graph(driver, graph.concepts, graph.relations, index_name=index_name, label=label)
    else:
        write_graph(driver, graph, label=label)
        create_vector_index(server, label, "embedding", graph.dimensions, index_name)


def assert_same(one: ExplorationResult, other: ExplorationResult) -> None:
    """Equal but for the last recorded decimal, where 32 bits may round otherwise than 64."""
    assert [seed.node for seed in one.seeds] == [seed.node for seed in other.seeds], "began elsewhere"
    scores = {"similarity_score", "edge_similarity", "cosine"}
    for hop, twin in zip(one.hops, other.hops, strict=True):
        assert hop.model_dump(exclude=scores) == twin.model_dump(exclude=scores)
        assert hop.similarity_score == pytest.approx(twin.similarity_score, abs=1.001e-6)
        assert hop.edge_similarity == pytest.approx(twin.edge_similarity, abs=1.001e-6)
        assert hop.cosine == pytest.approx(twin.cosine, abs=2.001e-6)
    assert one.sampled == other.sampled, "the index named other neighbours of a supernode"
    assert one.round_trips == other.round_trips
    assert one.retrieval_params == other.retrieval_params
