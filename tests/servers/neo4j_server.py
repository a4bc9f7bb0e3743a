"""Gives tests a real Neo4j: one that is named, Docker's, Maven's jars, or else ArcadeDB."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from neo4j import GraphDatabase

from tests.servers.neo4j_ways import LATEST, WAYS, MavenNeo4j, Neo4jServer, maven_neo4j, maven_server
from tests.servers.server_process import NotAvailableError

__all__ = [
    "Neo4jServer",
    "arcadedb_server",
    "create_vector_index",
    "describe",
    "latest_neo4j_server",
    "neo4j_server",
    "restartable_neo4j",
    "running_server",
]
_report = {"neo4j": "not used in this run"}  # what describe() says


def describe() -> str:
    """Return one line that says which server this run got."""
    return f"neo4j: {_report['neo4j']}"


@pytest.fixture(scope="session")
def neo4j_server() -> Iterator[Neo4jServer]:
    """Yield a server, started when the first test asks for it and stopped after the last."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def latest_neo4j_server() -> Iterator[Neo4jServer]:
    """Yield a Neo4j of 2026, whose Cypher has SEARCH, or skip."""
    with _or_skip() as stack:
        yield stack.enter_context(maven_server(LATEST))


@pytest.fixture(scope="session")
def arcadedb_server() -> Iterator[Neo4jServer]:
    """Yield an ArcadeDB, or skip."""
    with _or_skip() as stack:
        yield stack.enter_context(WAYS["arcadedb"]())


@pytest.fixture
def restartable_neo4j() -> Iterator[MavenNeo4j]:
    """Yield a Neo4j of its own for one test, which starts and kills it, or skip."""
    with _or_skip() as stack:
        yield stack.enter_context(maven_neo4j())


@contextmanager
def _or_skip() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        try:
            yield stack
        except NotAvailableError as error:
            pytest.skip(str(error))


@contextmanager
def running_server() -> Iterator[Neo4jServer]:
    """Yield the first server that is to be had, or skip (or fail, where one is required)."""
    forced = os.environ.get("EXAMSGRAPH_TEST_NEO4J", "")
    required = os.environ.get("EXAMSGRAPH_REQUIRE_NEO4J", "") not in ("", "0")
    if forced not in ("", "docker", "maven", "arcadedb"):
        raise ValueError(
            f"EXAMSGRAPH_TEST_NEO4J: expected docker, maven or arcadedb, got {forced!r}; "
            "set one of these, or unset it to take the first way that works"
        )
    _report["neo4j"] = "asked for, but none started"
    reasons: dict[str, str] = {}
    for way, start in WAYS.items():
        if forced not in ("", way):
            continue
        with ExitStack() as stack:
            try:
                server = stack.enter_context(start())
            except NotAvailableError as error:
                reasons[way] = str(error)
                continue
            if required and server.product != "neo4j":
                reasons[way] = (
                    f"expected Neo4j, as EXAMSGRAPH_REQUIRE_NEO4J is set, got {server.product} "
                    f"{server.version}; unset it where that will do"
                )
                continue
            name = "Neo4j" if server.product == "neo4j" else "ArcadeDB"
            _report["neo4j"] = f"{name} {server.version} ({server.source}) at {server.uri}"
            if server.product != "neo4j" and reasons:
                short = "; ".join(f"{way}: {why.splitlines()[0]}" for way, why in reasons.items())
                _report["neo4j"] += f", for want of Neo4j ({short})"
            yield server
            return
    listed = "\n".join(f"- {way}: {why}" for way, why in reasons.items())
    message = f"expected a Neo4j server, got none; open one of these ways:\n{listed}"
    if forced or required:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def create_vector_index(
    server: Neo4jServer,
    label: str,
    property: str,  # noqa: A002 - what Cypher calls it
    dimensions: int,
    name: str,
) -> None:
    """Create a cosine vector index that `db.index.vector.queryNodes(name, ...)` reads."""
    quoted, on_label, on_property = ("`" + part.replace("`", "``") + "`" for part in (name, label, property))
    if server.product == "arcadedb":  # its Cypher has no CREATE VECTOR INDEX
        _run_sql(server, f"CREATE VERTEX TYPE {on_label} IF NOT EXISTS")
        _run_sql(server, f"CREATE PROPERTY {on_label}.{on_property} IF NOT EXISTS ARRAY_OF_FLOATS")
        metadata = json.dumps({"dimensions": dimensions, "similarity": "COSINE"})
        _run_sql(
            server,
            f"CREATE INDEX {quoted} IF NOT EXISTS ON {on_label} ({on_property}) "
            f"LSM_VECTOR METADATA {metadata}",
        )
        return
    with GraphDatabase.driver(server.uri, auth=(server.username, server.password)) as driver:
        driver.execute_query(
            f"CREATE VECTOR INDEX {quoted} IF NOT EXISTS FOR (n:{on_label}) ON n.{on_property} "
            f"OPTIONS {{indexConfig: {{`vector.dimensions`: {int(dimensions)}, "
            # Quantized scores, the default, are off by up to 0.01: too much to compare with.
            "`vector.similarity_function`: 'cosine', `vector.quantization.enabled`: false}}"
        )
        driver.execute_query("CALL db.awaitIndex($name, 60)", name=name)


def _run_sql(server: Neo4jServer, statement: str) -> None:
    if server.sql_uri is None:
        raise ValueError(
            f"expected an ArcadeDB with sql_uri, got none for {server.uri}; "
            "unset NEO4J_URI and set EXAMSGRAPH_TEST_NEO4J=arcadedb"
        )
    login = base64.b64encode(f"{server.username}:{server.password}".encode()).decode()
    request = urllib.request.Request(
        server.sql_uri,
        data=json.dumps({"language": "sql", "command": statement}).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Basic {login}"},
    )
    try:
        # Without a proxy, even if the environment names one: the server is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        with error:
            detail = error.read().decode(errors="replace")
        raise RuntimeError(
            f"expected ArcadeDB to run {statement!r}, got HTTP {error.code}: {detail}; "
            "check the statement against its SQL manual"
        ) from error
