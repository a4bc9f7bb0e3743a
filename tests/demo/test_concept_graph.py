"""The graph in a real Neo4j: loaded once, walked as in memory, and refused in one sentence."""

import time

import pytest
from neo4j import GraphDatabase

from examsgraph_callbacks.console import Screen
from examsgraph_callbacks.demo.concept_graph import LABEL, open_graph
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.demo.run import record_lesson
from examsgraph_callbacks.errors import GraphUnavailableError
from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.graph import explore
from examsgraph_callbacks.journal import Journal
from tests.servers.neo4j_server import Neo4jServer


@pytest.fixture
def neo4j(neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch) -> Neo4jServer:
    if neo4j_server.product != "neo4j":
        pytest.skip(f"expected Neo4j, whose own index the demo makes, got {neo4j_server.product}")
    monkeypatch.setenv("NEO4J_URI", neo4j_server.uri)
    monkeypatch.setenv("NEO4J_USERNAME", neo4j_server.username)
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    return neo4j_server


def test_loading_twice_leaves_one_graph_and_others_nodes_alone(neo4j: Neo4jServer) -> None:
    with GraphDatabase.driver(neo4j.uri, auth=(neo4j.username, neo4j.password)) as driver:
        driver.execute_query("MERGE (:Concept {name: '정규화', summary: '우리 것'})")
        for _ in range(2):
            with open_graph() as (_, whereabouts):
                assert whereabouts.startswith("62 concepts, 85 relations, in Neo4j at ")
        counts = driver.execute_query(
            f"MATCH (n:{LABEL}) OPTIONAL MATCH (n)-[r]->() "
            "RETURN count(DISTINCT n) AS nodes, count(r) AS edges",
        ).records[0]
        own = driver.execute_query("MATCH (n:Concept {name: '정규화'}) RETURN n.summary AS s").records

    assert (counts["nodes"], counts["edges"]) == (62, 85)
    assert [record["s"] for record in own] == ["우리 것"]


def test_every_question_takes_the_same_path_as_in_memory(
    neo4j: Neo4jServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_graph() as (in_neo4j, _):
        monkeypatch.delenv("NEO4J_URI")
        with open_graph() as (in_memory, _):
            for question in load_questions():
                there, here = (explore(question.embedding, graph) for graph in (in_neo4j, in_memory))
                assert [hop.next_node for hop in there.path] == [hop.next_node for hop in here.path]


def test_the_lesson_walks_neo4j_and_says_so(
    neo4j: Neo4jServer,
    journal: Journal,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record_lesson(journal, Screen(), pace=0)

    backends = {fact.backend for fact in journal.read() if isinstance(fact, Exploration)}
    assert all("Neo4j/" in str(backend) for backend in backends)
    assert f"in Neo4j at {neo4j.uri}" in capsys.readouterr().out


def test_a_server_that_is_down_is_told_at_once(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:9")
    began = time.monotonic()

    with pytest.raises(GraphUnavailableError, match=r"127.0.0.1:9.*start it, or correct its URI"):
        record_lesson(journal, Screen(), pace=0)
    assert time.monotonic() - began < 20


def test_a_uri_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    monkeypatch.setenv("NEO4J_URI", "localhost:7687")

    with pytest.raises(GraphUnavailableError, match=r"expected a URI such as .*, got 'localhost:7687'"):
        record_lesson(journal, Screen(), pace=0)
