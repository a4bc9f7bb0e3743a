"""A real Neo4j with the demonstration's graph in it, and a journal in which nothing of ours failed."""

from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from neo4j import AsyncDriver, AsyncGraphDatabase, Driver, GraphDatabase

from examsgraph_callbacks import Journal
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph import load_graph
from tests.graph.graphs import demo_graph
from tests.servers.neo4j_server import Neo4jServer
from tests.tap.graph import FULLTEXT, INDEX, LABEL

__all__ = ["async_driver", "driver", "journal", "patience", "pytest_terminal_summary", "server"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which driver this run used."""
    terminalreporter.write_line(f"neo4j driver: {version('neo4j')}")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has just started plans its first lookups for longer than an application would wait."""
    monkeypatch.setattr("examsgraph_callbacks.graph.tap.lookup.LOOKUP_SECONDS", 60.0)


@pytest.fixture(scope="session")
def server(neo4j_server: Neo4jServer) -> Iterator[Neo4jServer]:
    """Neo4j, as other servers have no full-text index and no `valueType`."""
    if neo4j_server.product != "neo4j":
        pytest.skip(f"the peers' retrievers want Neo4j, got {neo4j_server.product}")
    graph = demo_graph()
    with connect(neo4j_server) as driver:
        load_graph(driver, graph.concepts, graph.relations, index_name=INDEX, label=LABEL)
        driver.execute_query(
            f"CREATE FULLTEXT INDEX {FULLTEXT} IF NOT EXISTS FOR (n:{LABEL}) ON EACH [n.name, n.summary]",
        )
        driver.execute_query("CALL db.awaitIndexes(60)")
        yield neo4j_server
        driver.execute_query(f"MATCH (n:{LABEL}) DETACH DELETE n")


def connect(server: Neo4jServer) -> Driver:
    return GraphDatabase.driver(server.uri, auth=(server.username, server.password))


@pytest.fixture
def driver(server: Neo4jServer) -> Iterator[Driver]:
    with connect(server) as opened:
        yield opened


@pytest.fixture
async def async_driver(server: Neo4jServer) -> AsyncIterator[AsyncDriver]:
    login = (server.username, server.password)
    async with AsyncGraphDatabase.driver(server.uri, auth=login) as opened:
        yield opened


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    before = failures.counts()
    yield Journal(tmp_path / "journal")
    assert failures.counts() == before, "what fails in silence would pass many a test"
