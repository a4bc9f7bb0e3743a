"""The graph in a real server: the same explorations as in memory, and errors that name the fix."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from neo4j import Driver, GraphDatabase, RoutingControl

from examsgraph_callbacks.errors import GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.events import RetrievalParams
from examsgraph_callbacks.graph import (
    Concept,
    ConceptGraph,
    ExplorationResult,
    FollowedDirection,
    GraphBackend,
    MemoryGraph,
    Neo4jGraph,
    explore,
    load_graph,
    write_graph,
)
from examsgraph_callbacks.graph.cypher import quoted
from examsgraph_callbacks.graph.neo4j_graph import ask
from tests.graph.graphs import (
    demo_graph,
    demo_questions,
    metacademy_graph,
    metacademy_queries,
)
from tests.servers.neo4j_server import Neo4jServer, create_vector_index

MANY_PARAMS = (
    RetrievalParams(beam_width=1),
    RetrievalParams(),
    RetrievalParams(seeds=3, beam_width=3, fan_out=2, max_hops=7),
    RetrievalParams(depth=5, similarity_threshold=0.55, beam_width=10, max_hops=30),
)
DEMO = ("시험 임베딩", "시험 개념")  # an index and a label that have to be quoted
TOPICS = ("topic_embedding", "Topic")


@pytest.fixture(scope="module")
def driver(neo4j_server: Neo4jServer) -> Iterator[Driver]:
    with connect(neo4j_server) as driver:
        yield driver


def connect(server: Neo4jServer, *, password: str | None = None) -> Driver:
    return GraphDatabase.driver(
        server.uri,
        auth=(server.username, password or server.password),
        max_transaction_retry_time=0,
    )


def loaded(server: Neo4jServer, driver: Driver, graph: ConceptGraph, names: tuple[str, str]) -> None:
    index_name, label = names
    if server.product == "neo4j":
        load_graph(driver, graph.concepts, graph.relations, index_name=index_name, label=label)
    else:
        write_graph(driver, graph, label=label)
        create_vector_index(server, label, "embedding", graph.dimensions, index_name)


@pytest.fixture(scope="module")
def demo(neo4j_server: Neo4jServer, driver: Driver) -> Neo4jGraph:
    loaded(neo4j_server, driver, demo_graph(), DEMO)
    return Neo4jGraph(driver, *DEMO)


def assert_same(one: ExplorationResult, other: ExplorationResult) -> None:
    """Equal but for the last recorded decimal, where 32 bits may round otherwise than 64."""
    assert [seed.node for seed in one.seeds] == [seed.node for seed in other.seeds]
    for hop, twin in zip(one.hops, other.hops, strict=True):
        scores = {"similarity_score", "edge_similarity"}
        assert hop.model_dump(exclude=scores) == twin.model_dump(exclude=scores)
        assert hop.similarity_score == pytest.approx(twin.similarity_score, abs=1.001e-6)
        assert hop.edge_similarity == pytest.approx(twin.edge_similarity, abs=1.001e-6)
    assert one.round_trips == other.round_trips


def test_it_is_a_backend(demo: Neo4jGraph) -> None:
    assert isinstance(demo, GraphBackend)


@pytest.mark.parametrize("params", MANY_PARAMS)
def test_every_question_is_explored_as_in_memory(demo: Neo4jGraph, params: RetrievalParams) -> None:
    memory = MemoryGraph(demo_graph().concepts, demo_graph().relations)
    for question in demo_questions():
        assert_same(explore(question.embedding, demo, params), explore(question.embedding, memory, params))


@pytest.mark.parametrize("direction", ["both", "out", "in"])
def test_relations_are_chosen_as_in_memory(
    driver: Driver, demo: Neo4jGraph, direction: FollowedDirection
) -> None:
    graph, types = demo_graph(), ["포함", "해결"]
    served = Neo4jGraph(driver, *DEMO, relationship_types=types, direction=direction)
    memory = MemoryGraph(graph.concepts, graph.relations, relationship_types=types, direction=direction)
    for question in demo_questions():
        exploration = explore(question.embedding, served)
        assert_same(exploration, explore(question.embedding, memory))
        assert {hop.relation for hop in exploration.hops} <= set(types)


def test_a_larger_graph_is_explored_as_in_memory(neo4j_server: Neo4jServer, driver: Driver) -> None:
    graph = metacademy_graph()
    loaded(neo4j_server, driver, graph, TOPICS)
    served, memory = Neo4jGraph(driver, *TOPICS), MemoryGraph(graph.concepts, graph.relations)
    for query in metacademy_queries()[::2]:
        for params in MANY_PARAMS[:3]:
            assert_same(explore(query, served, params), explore(query, memory, params))


def test_it_starts_at_named_concepts_as_in_memory(demo: Neo4jGraph) -> None:
    memory = MemoryGraph(demo_graph().concepts, demo_graph().relations)
    vector, start = demo_questions()[0].embedding, ["정규화", "BCNF"]
    assert_same(explore(vector, demo, start=start), explore(vector, memory, start=start))
    with pytest.raises(InvalidInputError, match="got \\['데이터베이스 정규화'\\]"):
        explore(vector, demo, start=["데이터베이스 정규화", "정규화"])


def test_a_level_is_one_question_to_the_server(
    demo: Neo4jGraph, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    vector = demo_questions()[0].embedding
    explore(vector, demo)  # from here on the server's scale is known
    asked = []
    execute_query = driver.execute_query

    def counted(*args: Any, **kwargs: Any) -> Any:
        asked.append(kwargs["routing_"])
        return execute_query(*args, **kwargs)

    monkeypatch.setattr(driver, "execute_query", counted)
    exploration = explore(vector, demo)
    assert asked == [RoutingControl.READ] * 4
    assert exploration.round_trips == 4


def test_the_record_says_which_server_was_asked(
    demo: Neo4jGraph, driver: Driver, neo4j_server: Neo4jServer
) -> None:
    fresh = Neo4jGraph(driver, *DEMO)
    assert fresh.describe().startswith("Neo4j, not asked yet: 시험 개념 by 시험 임베딩")
    exploration = explore(demo_questions()[0].embedding, fresh)
    assert neo4j_server.version in exploration.backend


def test_texts_come_by_name(demo: Neo4jGraph) -> None:
    assert demo.texts(["BCNF", "없는 개념"]) == {
        "BCNF": "모든 결정자가 후보키가 되도록 분해한 강화된 제3정규형"
    }


def test_loading_again_changes_nothing(neo4j_server: Neo4jServer, demo: Neo4jGraph, driver: Driver) -> None:
    loaded(neo4j_server, driver, demo_graph(), DEMO)
    counts = driver.execute_query(
        "MATCH (concept:`시험 개념`) OPTIONAL MATCH (concept)-[relation]->() "
        "RETURN count(DISTINCT concept) AS concepts, count(relation) AS relations"
    ).records[0]
    assert (counts["concepts"], counts["relations"]) == (62, 85)


def test_vectors_of_another_dimension_are_not_loaded_beside_the_indexed_ones(
    neo4j_server: Neo4jServer, demo: Neo4jGraph, driver: Driver
) -> None:
    if neo4j_server.product != "neo4j":
        pytest.skip("only Neo4j has CREATE VECTOR INDEX")
    index_name, label = DEMO
    with pytest.raises(InvalidInputError, match="of 2 numbers, got one of 384: drop it, or pass"):
        load_graph(
            driver,
            [Concept(name="정규화", embedding=(1.0, 0.0))],
            [],
            index_name=index_name,
            label=label,
        )
    assert explore(demo_questions()[0].embedding, demo).path


def test_nothing_can_be_written_by_a_question(neo4j_server: Neo4jServer, driver: Driver) -> None:
    if neo4j_server.product != "neo4j":
        pytest.skip("only Neo4j holds a read to be one")
    with pytest.raises(GraphUnavailableError, match=r"(?i)read access mode"):
        ask(driver, "CREATE (:Written)", {}, fix="", database=None, timeout_seconds=10.0)


def test_a_query_vector_of_another_dimension_is_refused(neo4j_server: Neo4jServer, demo: Neo4jGraph) -> None:
    with pytest.raises(InvalidInputError, match="embed the query with the model that embedded"):
        explore((1.0, 0.0, 0.0), demo, start=["정규화"])
    # ArcadeDB's index does not say what it minds
    refused = InvalidInputError if neo4j_server.product == "neo4j" else GraphUnavailableError
    with pytest.raises(refused, match=r"embed the query|embeddings of 3 numbers"):
        explore((1.0, 0.0, 0.0), demo)


def test_an_index_that_is_not_there_is_named_with_the_fix(driver: Driver, demo: Neo4jGraph) -> None:
    with pytest.raises(GraphUnavailableError, match=r"make 'no index' a vector index .* 384 numbers"):
        explore(demo_questions()[0].embedding, Neo4jGraph(driver, "no index", DEMO[1]))


def test_a_database_that_is_not_there_is_named(neo4j_server: Neo4jServer) -> None:
    with connect(neo4j_server) as driver, pytest.raises(GraphUnavailableError, match="nowhere"):
        explore(demo_questions()[0].embedding, Neo4jGraph(driver, *DEMO, database="nowhere"))


def test_a_refused_login_names_the_fix(neo4j_server: Neo4jServer) -> None:
    with (
        connect(neo4j_server, password="wrong") as driver,
        pytest.raises(GraphUnavailableError, match="correct the user name and password"),
    ):
        explore(demo_questions()[0].embedding, Neo4jGraph(driver, *DEMO))


def test_a_question_that_takes_too_long_is_given_up(neo4j_server: Neo4jServer, driver: Driver) -> None:
    if neo4j_server.product != "neo4j":
        pytest.skip("only Neo4j minds a transaction's timeout")
    endless = "UNWIND range(1, 1000000000) AS number RETURN sum(number)"
    with pytest.raises(GraphUnavailableError, match="raise timeout_seconds"):
        ask(driver, endless, {}, fix="", database=None, timeout_seconds=0.05)


def test_a_server_that_is_down_names_the_fix() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # and does not listen
        uri = f"bolt://127.0.0.1:{reserved.getsockname()[1]}"
        with (
            GraphDatabase.driver(uri, max_transaction_retry_time=0) as driver,
            pytest.raises(GraphUnavailableError, match="start it, or correct its URI"),
        ):
            explore((1.0, 0.0), Neo4jGraph(driver))


@pytest.mark.parametrize("identifier", ["", "a\\u0060b"])
def test_an_identifier_that_could_leave_its_quotation_is_refused(identifier: str) -> None:
    with pytest.raises(InvalidInputError, match="without backslashes"):
        quoted(identifier)


def test_backticks_in_an_identifier_stay_inside_it(driver: Driver) -> None:
    label = "x`) DETACH DELETE (x"
    record = driver.execute_query(f"CREATE (node:{quoted(label)}) RETURN labels(node) AS labels")
    driver.execute_query(f"MATCH (node:{quoted(label)}) DELETE node")
    assert record.records[0]["labels"] == [label]
