"""The same explorations on every server as in memory: same hops, same verdicts, scores to 1e-6."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from neo4j import AsyncGraphDatabase, Driver

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import RetrievalParams
from examsgraph_callbacks.graph import (
    AsyncNeo4jGraph,
    FollowedDirection,
    MemoryGraph,
    Neo4jGraph,
    aexplore,
    explore,
)
from tests.graph.graphs import demo_graph, demo_questions, metacademy_graph, metacademy_queries
from tests.graph.served import DEMO, TOPICS, assert_same, connect, loaded
from tests.servers.neo4j_server import Neo4jServer

FEW_RELATIONS = RetrievalParams(max_degree=4, seeds=2, similarity_threshold=0.6, beam_width=3, max_hops=9)
MANY_PARAMS = (
    RetrievalParams(beam_width=1),
    RetrievalParams(),
    RetrievalParams(seeds=3, beam_width=3, fan_out=2, max_hops=7),
    RetrievalParams(depth=5, similarity_threshold=0.55, beam_width=10, max_hops=30),
    FEW_RELATIONS,
)
SERVERS = (
    "neo4j_server",
    # each takes a Java machine of its own, and a minute
    pytest.param("latest_neo4j_server", marks=pytest.mark.soak),
    pytest.param("arcadedb_server", marks=pytest.mark.soak),
)


@dataclass(frozen=True)
class Served:
    server: Neo4jServer
    driver: Driver


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    server: Neo4jServer = request.getfixturevalue(request.param)
    if request.param == "neo4j_server" and server.product == "arcadedb":
        pytest.skip("no Neo4j here; ArcadeDB has its own turn")
    with connect(server) as driver:
        loaded(server, driver, demo_graph(), DEMO)
        yield Served(server, driver)


@pytest.fixture
def memory() -> MemoryGraph:
    return MemoryGraph(demo_graph().concepts, demo_graph().relations)


@pytest.mark.parametrize("params", MANY_PARAMS)
def test_every_question_of_the_exam(served: Served, memory: MemoryGraph, params: RetrievalParams) -> None:
    graph = Neo4jGraph(served.driver, *DEMO)
    for question in demo_questions():
        assert_same(explore(question.embedding, graph, params), explore(question.embedding, memory, params))


def test_a_hundred_random_questions_about_a_larger_graph(served: Served) -> None:
    concepts = metacademy_graph()
    loaded(served.server, served.driver, concepts, TOPICS)
    # hundreds of questions, beside whatever else the machine does: how fast they are is not the matter here
    graph = Neo4jGraph(served.driver, *TOPICS, timeout_seconds=120)
    memory = MemoryGraph(concepts.concepts, concepts.relations)
    sampled = 0
    # the newest Neo4j differs in how it is asked, which a quarter of the questions shows
    queries = metacademy_queries()[:: 4 if served.server.version.startswith("2026") else 1]
    for query in queries:
        for params in (RetrievalParams(seeds=2), RetrievalParams(max_degree=8, similarity_threshold=0.6)):
            here, there = explore(query, memory, params), explore(query, graph, params)
            assert_same(there, here)
            sampled += len(here.sampled)
    assert len(metacademy_queries()) == 100
    assert sampled > len(queries), "else it says nothing of sampling"


@pytest.mark.parametrize("direction", ["both", "out", "in"])
@pytest.mark.parametrize("max_degree", [200, 3])
def test_relations_are_chosen_alike(served: Served, direction: FollowedDirection, max_degree: int) -> None:
    graph, types = demo_graph(), ["포함", "해결"]
    there = Neo4jGraph(served.driver, *DEMO, relationship_types=types, direction=direction)
    here = MemoryGraph(graph.concepts, graph.relations, relationship_types=types, direction=direction)
    params = RetrievalParams(max_degree=max_degree)
    for question in demo_questions():
        exploration = explore(question.embedding, there, params)
        assert_same(exploration, explore(question.embedding, here, params))
        assert {hop.relation for hop in exploration.hops} <= set(types)
        assert exploration.retrieval_params.relationship_types == ("포함", "해결")
        assert exploration.retrieval_params.direction == direction


def test_it_starts_at_named_concepts_alike(served: Served, memory: MemoryGraph) -> None:
    graph = Neo4jGraph(served.driver, *DEMO)
    vector, start = demo_questions()[0].embedding, ["정규화", "BCNF"]
    assert_same(explore(vector, graph, start=start), explore(vector, memory, start=start))
    with pytest.raises(InvalidInputError, match="got \\['데이터베이스 정규화'\\]"):
        explore(vector, graph, start=["데이터베이스 정규화", "정규화"])


async def test_an_awaited_exploration_is_the_same(served: Served, memory: MemoryGraph) -> None:
    server = served.server
    login = (server.username, server.password)
    async with AsyncGraphDatabase.driver(server.uri, auth=login, max_transaction_retry_time=0) as driver:
        graph = AsyncNeo4jGraph(driver, *DEMO)
        for question in demo_questions():
            for params in (RetrievalParams(), FEW_RELATIONS):
                there = await aexplore(question.embedding, graph, params)
                assert_same(there, explore(question.embedding, memory, params))
        start = ["정규화", "BCNF"]
        there = await aexplore(demo_questions()[0].embedding, graph, start=start)
        assert_same(there, explore(demo_questions()[0].embedding, memory, start=start))
        assert await graph.acontents(["BCNF"]) == memory.contents(["BCNF"])


def test_the_record_says_which_server_and_index_were_asked(served: Served) -> None:
    exploration = explore(demo_questions()[0].embedding, Neo4jGraph(served.driver, *DEMO))
    assert exploration.server is not None
    assert served.server.version in exploration.server
    assert exploration.index_name == "시험 임베딩"
    assert exploration.backend.startswith(f"{exploration.server}: 시험 개념 by 시험 임베딩")
