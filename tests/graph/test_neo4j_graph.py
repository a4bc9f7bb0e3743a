"""The graph in a real server: what it is asked, what comes back beside the hops, and how it is loaded."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from neo4j import AsyncGraphDatabase, Driver, RoutingControl

from examsgraph_callbacks.errors import GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.events import RetrievalParams
from examsgraph_callbacks.graph import (
    AsyncGraphBackend,
    AsyncNeo4jGraph,
    Concept,
    ConceptContent,
    GraphBackend,
    MemoryGraph,
    Neo4jGraph,
    Relation,
    Resource,
    explore,
    load_graph,
    neo4j_graph,
)
from examsgraph_callbacks.graph.asking import ask
from examsgraph_callbacks.graph.cypher import quoted
from tests.graph.graphs import demo_graph, demo_questions
from tests.graph.served import DEMO, assert_same, connect, loaded
from tests.servers.neo4j_server import Neo4jServer

VECTOR = demo_questions()[0].embedding
SERVERS = ("neo4j_server", pytest.param("latest_neo4j_server", marks=pytest.mark.soak))
RESOURCES = (
    Resource("explanation", "https://example.org/정규화", "정규화 쉽게 보기"),
    Resource("video", "https://example.org/v/1", None),
)


@pytest.fixture(scope="module")
def driver(neo4j_server: Neo4jServer) -> Iterator[Driver]:
    with connect(neo4j_server) as driver:
        yield driver


@pytest.fixture(scope="module")
def demo(neo4j_server: Neo4jServer, driver: Driver) -> Neo4jGraph:
    loaded(neo4j_server, driver, demo_graph(), DEMO)
    return Neo4jGraph(driver, *DEMO)


@pytest.fixture
def memory() -> MemoryGraph:
    return MemoryGraph(demo_graph().concepts, demo_graph().relations)


@pytest.fixture
def resources(neo4j_server: Neo4jServer, demo: Neo4jGraph, driver: Driver) -> Iterator[None]:
    """The concept 정규화 has two resources, one of them twice, and a relation to one without a URL."""
    driver.execute_query(
        "MATCH (concept:`시험 개념` {name: '정규화'}) UNWIND $resources AS properties "
        "CREATE (concept)-[:HAS_RESOURCE]->(resource:Resource) SET resource = properties",
        resources=[
            {"kind": "video", "url": "https://example.org/v/1"},
            {
                "kind": "explanation",
                "url": "https://example.org/정규화",
                "title": "정규화 쉽게 보기",
                "text": "정규화는 …",
            },
            {"kind": "explanation", "title": "an explanation without a place"},
            {"kind": "video", "url": "https://example.org/v/1"},
        ],
    )
    yield
    driver.execute_query("MATCH (resource:Resource) DETACH DELETE resource")


async def test_each_driver_has_its_graph(driver: Driver) -> None:
    async with AsyncGraphDatabase.driver("bolt://127.0.0.1:1") as awaited:
        for_async = neo4j_graph(awaited, label="시험 개념")
    for_sync = neo4j_graph(driver, label="시험 개념")
    assert isinstance(for_async, AsyncNeo4jGraph)
    assert isinstance(for_async, AsyncGraphBackend)
    assert not isinstance(for_async, GraphBackend)
    assert isinstance(for_sync, Neo4jGraph)
    assert isinstance(for_sync, GraphBackend)
    assert not isinstance(for_sync, AsyncGraphBackend)


def test_a_level_is_one_question_to_the_server_and_a_read(
    demo: Neo4jGraph, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    explore(VECTOR, demo)  # from here on the server is known
    asked = []
    execute_query = driver.execute_query

    def counted(*args: Any, **kwargs: Any) -> Any:
        asked.append(kwargs["routing_"])
        return execute_query(*args, **kwargs)

    monkeypatch.setattr(driver, "execute_query", counted)
    exploration = explore(VECTOR, demo)
    assert asked == [RoutingControl.READ] * 4
    assert exploration.round_trips == 4
    # a concept with more relations than are looked at costs no further question
    sampled = explore(VECTOR, demo, RetrievalParams(max_degree=3))
    assert sampled.sampled
    assert len(asked) == 4 + sampled.round_trips


def test_a_server_is_learnt_once_a_connection_whatever_graphs_share_it(
    neo4j_server: Neo4jServer, demo: Neo4jGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(neo4j_server) as fresh:
        first, second = Neo4jGraph(fresh, *DEMO), Neo4jGraph(fresh, *DEMO, direction="out")
        assert first.describe().server is None
        assert first.describe().backend.startswith("Neo4j, not asked yet: 시험 개념 by 시험 임베딩")
        asked = []
        execute_query = fresh.execute_query

        def counted(*args: Any, **kwargs: Any) -> Any:
            asked.append(args)
            return execute_query(*args, **kwargs)

        monkeypatch.setattr(fresh, "execute_query", counted)
        first.named(VECTOR, ["정규화"])
        assert len(asked) == 2
        second.named(VECTOR, ["정규화"])
        assert len(asked) == 3
        assert second.describe().server == first.describe().server is not None


@pytest.mark.usefixtures("resources")
def test_texts_and_resources_come_by_name(demo: Neo4jGraph) -> None:
    assert demo.contents(["BCNF", "없는 개념", "정규화"]) == {
        "BCNF": ConceptContent("모든 결정자가 후보키가 되도록 분해한 강화된 제3정규형"),
        "정규화": ConceptContent(
            "중복을 줄이고 이상현상을 막기 위해 릴레이션을 함수 종속성에 따라 분해하는 과정", RESOURCES
        ),
    }


@pytest.mark.usefixtures("resources")
def test_an_exploration_does_not_walk_over_resources(demo: Neo4jGraph, memory: MemoryGraph) -> None:
    for params in (RetrievalParams(), RetrievalParams(max_degree=9)):
        exploration = explore(VECTOR, demo, params)
        assert_same(exploration, explore(VECTOR, memory, params))
        assert "HAS_RESOURCE" not in {hop.relation for hop in exploration.hops}
        assert not exploration.uncaptured


@pytest.mark.parametrize("server", SERVERS)
def test_a_retrieval_gives_the_server_nothing_to_warn_of(
    server: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    running: Neo4jServer = request.getfixturevalue(server)
    with connect(running) as driver:
        loaded(running, driver, demo_graph(), DEMO)
        graph = Neo4jGraph(driver, *DEMO)
        with caplog.at_level(logging.INFO, logger="neo4j.notifications"):
            exploration = explore(VECTOR, graph, RetrievalParams(max_degree=3))
            graph.contents([hop.next_node for hop in exploration.path])
            graph.named(VECTOR, ["정규화"])
    assert [record.message for record in caplog.records if record.name == "neo4j.notifications"] == []


def test_relations_to_concepts_without_an_embedding_are_counted(neo4j_server: Neo4jServer) -> None:
    names = ("half_embedding", "Half")
    concepts = [Concept(name=name, embedding=(1.0, score)) for name, score in (("a", 0.0), ("b", 0.5))]
    with connect(neo4j_server) as driver:
        graph = demo_graph().of(concepts, [Relation(source="a", type="포함", target="b")])
        loaded(neo4j_server, driver, graph, names)
        driver.execute_query("MATCH (a:Half {name: 'a'}) CREATE (a)-[:`포함`]->(:Half {name: 'unembedded'})")
        exploration = explore((1.0, 0.0), Neo4jGraph(driver, *names), RetrievalParams(seeds=1))
    assert [hop.next_node for hop in exploration.path] == ["b"]
    assert exploration.uncaptured == (
        "relations to concepts without an embedding, which cannot be scored: 1",
    )


@pytest.mark.parametrize("server", SERVERS)
def test_over_an_index_of_distances_scores_are_of_cosines_all_the_same(
    server: str, memory: MemoryGraph, request: pytest.FixtureRequest
) -> None:
    running: Neo4jServer = request.getfixturevalue(server)
    if running.product != "neo4j":
        pytest.skip("only Neo4j has CREATE VECTOR INDEX")
    index_name, label = "distances", "Far"
    with connect(running) as driver:
        driver.execute_query(
            f"CREATE VECTOR INDEX {index_name} IF NOT EXISTS FOR (n:{label}) ON n.embedding OPTIONS "
            "{indexConfig: {`vector.dimensions`: 384, `vector.similarity_function`: 'euclidean'}}"
        )
        load_graph(driver, demo_graph().concepts, demo_graph().relations, index_name=index_name, label=label)
        graph = Neo4jGraph(driver, index_name, label)
        for question in demo_questions():
            for params in (RetrievalParams(), RetrievalParams(max_degree=4)):
                there = explore(question.embedding, graph, params)
                assert_same(there, explore(question.embedding, memory, params))


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
    assert explore(VECTOR, demo).path


def test_nothing_can_be_written_by_a_question(neo4j_server: Neo4jServer, driver: Driver) -> None:
    if neo4j_server.product != "neo4j":
        pytest.skip("only Neo4j holds a read to be one")
    with pytest.raises(GraphUnavailableError, match=r"(?i)read access mode"):
        ask(driver, "CREATE (:Written)", {}, fix="", database=None, timeout_seconds=10.0)


@pytest.mark.parametrize("identifier", ["", "a\\u0060b"])
def test_an_identifier_that_could_leave_its_quotation_is_refused(identifier: str) -> None:
    with pytest.raises(InvalidInputError, match="without backslashes"):
        quoted(identifier)


def test_backticks_in_an_identifier_stay_inside_it(driver: Driver) -> None:
    label = "x`) DETACH DELETE (x"
    record = driver.execute_query(f"CREATE (node:{quoted(label)}) RETURN labels(node) AS labels")
    driver.execute_query(f"MATCH (node:{quoted(label)}) DELETE node")
    assert record.records[0]["labels"] == [label]


def test_a_relationship_type_cannot_leave_its_quotation_either(demo: Neo4jGraph, driver: Driver) -> None:
    graph = Neo4jGraph(driver, *DEMO, relationship_types=["x`]-() DETACH DELETE (concept) //"])
    assert explore(VECTOR, graph).hops == ()
    assert explore(VECTOR, demo).hops


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"relationship_types": []}, r"got \[\]: name some, or leave it out for all types"),
        ({"relationship_types": "포함"}, "a list of relationship types to look along, got '포함'"),
        ({"direction": "outwards"}, "direction of both, out, in, got 'outwards'"),
    ],
)
def test_relations_that_cannot_be_looked_along_are_refused_at_once(
    driver: Driver, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Neo4jGraph(driver, **wrong)
