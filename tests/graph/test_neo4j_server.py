"""The database that graph tests get is the one it claims to be, and none stays behind."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from neo4j import Driver, GraphDatabase
from neo4j.exceptions import AuthError, ServiceUnavailable

from tests.servers import neo4j_server as server_module
from tests.servers.neo4j_server import (
    Neo4jServer,
    create_vector_index,
    describe,
    running_server,
)
from tests.servers.neo4j_ways import POM, WAYS, wait_for
from tests.servers.server_process import NotAvailableError, free_port, running_process

KOREAN = "분수의 나눗셈: ½ ÷ ⅓ — 역수를 곱한다 '\"`\\ 𝑥²"
TELLS_ITS_ID = ["sh", "-c", "echo $$; exec sleep 600"]


@pytest.fixture(scope="module")
def driver(neo4j_server: Neo4jServer) -> Iterator[Driver]:
    login = (neo4j_server.username, neo4j_server.password)
    with GraphDatabase.driver(neo4j_server.uri, auth=login) as opened:
        yield opened


@pytest.fixture
def label(driver: Driver) -> Iterator[str]:
    # A label of its own, as NEO4J_URI may name a database that holds other things.
    own = f"개념_{secrets.token_hex(4)}"
    yield own
    driver.execute_query(f"MATCH (n:`{own}`) DETACH DELETE n")


@pytest.fixture
def no_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Close all four ways to a server, whatever this machine has."""
    for name in ("NEO4J_URI", "EXAMSGRAPH_REQUIRE_NEO4J", "EXAMSGRAPH_TEST_NEO4J", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("EXAMSGRAPH_TEST_CACHE", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setitem(server_module._report, "neo4j", "in a test of the fixture itself")


def test_korean_text_comes_back_as_it_was_sent(driver: Driver, label: str) -> None:
    driver.execute_query(f"CREATE (:`{label}` {{이름: $text}})", text=KOREAN)

    records, _, _ = driver.execute_query(
        f"MATCH (n:`{label}`) WHERE n.이름 = $text "
        "RETURN n.이름 AS stored, $text AS sent, labels(n) AS labels",
        text=KOREAN,
    )

    assert [record.data() for record in records] == [{"stored": KOREAN, "sent": KOREAN, "labels": [label]}]


def test_version_is_that_of_the_server_that_runs(driver: Driver, neo4j_server: Neo4jServer) -> None:
    assert ("ArcadeDB" in driver.get_server_info().agent) == (neo4j_server.product == "arcadedb")
    if neo4j_server.product == "arcadedb":  # its dbms.components() claims to be a Neo4j
        assert importlib.metadata.version("arcadedb-embedded").startswith(neo4j_server.version)
        return
    records, _, _ = driver.execute_query("CALL dbms.components() YIELD name, versions")
    told = {record["name"]: record["versions"] for record in records}
    assert told["Neo4j Kernel"] == [neo4j_server.version]
    if neo4j_server.source.startswith("Maven"):
        pinned = re.search(r"<artifactId>neo4j</artifactId>\s*<version>(.+)<", POM.read_text("utf-8"))
        assert pinned is not None
        assert neo4j_server.version == pinned[1]


def test_wrong_password_is_refused(neo4j_server: Neo4jServer) -> None:
    if not neo4j_server.password:
        pytest.skip("NEO4J_URI names a server without a password")
    wrong = GraphDatabase.driver(neo4j_server.uri, auth=(neo4j_server.username, "wrong-password"))
    with wrong, pytest.raises(AuthError):
        wrong.verify_connectivity()


def test_vector_index_scores_one_plus_cosine_over_two(
    driver: Driver, neo4j_server: Neo4jServer, label: str
) -> None:
    asked = [0.8, 0.2, 0.1]
    vectors = {
        "같은 쪽": [1.6, 0.4, 0.2],
        "비스듬히": [0.6, 0.8, 0.0],
        "직각": [0.0, 0.1, -0.2],
        "반대쪽": [-0.8, -0.2, -0.1],
    }
    index = f"{label}_vectors"
    for _ in range(2):  # asking again for an index that is there does no harm
        create_vector_index(neo4j_server, label, "embedding", 3, index)
    try:
        driver.execute_query(
            f"UNWIND $rows AS row CREATE (:`{label}` {{name: row.name, embedding: row.vector}})",
            rows=[{"name": name, "vector": vector} for name, vector in vectors.items()],
        )
        records, _, _ = driver.execute_query(
            "CALL db.index.vector.queryNodes($index, 10, $asked) YIELD node, score "
            "RETURN node.name AS name, score ORDER BY score DESC",
            index=index,
            asked=asked,
        )
        shown, _, _ = driver.execute_query("SHOW INDEXES")
    finally:
        # ArcadeDB drops the index of its own only through SQL, and goes away itself.
        if neo4j_server.product == "neo4j":
            driver.execute_query(f"DROP INDEX `{index}` IF EXISTS")

    expected = {name: (1 + _cosine(asked, vector)) / 2 for name, vector in vectors.items()}
    assert [record["name"] for record in records] == list(vectors)
    assert {record["name"]: record["score"] for record in records} == pytest.approx(expected, abs=1e-5)
    states = [(row["type"], row["state"], row["labelsOrTypes"]) for row in shown if row["name"] == index]
    assert states == [("VECTOR", "ONLINE", [label])]


def _cosine(one: list[float], other: list[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return dot / (math.hypot(*one) * math.hypot(*other))


def test_report_names_product_version_and_address(neo4j_server: Neo4jServer) -> None:
    product = {"neo4j": "Neo4j", "arcadedb": "ArcadeDB"}[neo4j_server.product]
    assert describe().startswith(f"neo4j: {product} {neo4j_server.version} (")
    assert f" at {neo4j_server.uri}" in describe()
    assert neo4j_server.password not in describe() + repr(neo4j_server)


@pytest.mark.usefixtures("no_ways")
def test_without_a_server_the_skip_says_why_for_each_way() -> None:
    with pytest.raises(pytest.skip.Exception) as skipped, running_server():
        pass

    reasons = dict(re.findall(r"^- (\w+): (.+)$", str(skipped.value), flags=re.MULTILINE))
    assert list(reasons) == ["NEO4J_URI", "docker", "maven", "arcadedb"]
    assert reasons["NEO4J_URI"] == "it is not set"
    assert re.search("start a Docker engine|pip install testcontainers", reasons["docker"])
    assert re.search("install Maven|Java 17 or 21", reasons["maven"])
    assert "pip install arcadedb-embedded" in reasons["arcadedb"]
    assert describe() == "neo4j: asked for, but none started"


@pytest.mark.usefixtures("no_ways")
def test_where_neo4j_is_required_no_server_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMSGRAPH_REQUIRE_NEO4J", "1")
    assert "got none" in _failure()


@pytest.mark.usefixtures("no_ways")
@pytest.mark.parametrize("required", [True, False])
def test_arcadedb_does_only_where_neo4j_is_not_required(
    monkeypatch: pytest.MonkeyPatch, *, required: bool
) -> None:
    arcade = Neo4jServer("bolt://127.0.0.1:1", "root", "secret", "arcadedb", "26.10.2", "a test")
    monkeypatch.setitem(WAYS, "arcadedb", lambda: nullcontext(arcade))
    if required:
        monkeypatch.setenv("EXAMSGRAPH_REQUIRE_NEO4J", "1")
        assert "got arcadedb" in _failure()
        return
    with running_server() as server:
        assert server is arcade
    assert "for want of Neo4j (NEO4J_URI: it is not set; docker: " in describe()


def _failure() -> str:
    # Skipping is caught too: left alone, it would skip the very test that forbids it.
    either = (pytest.fail.Exception, pytest.skip.Exception)
    with pytest.raises(either) as outcome, running_server():
        pass
    assert outcome.type is pytest.fail.Exception
    return str(outcome.value)


@pytest.mark.usefixtures("no_ways")
def test_named_server_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"bolt://127.0.0.1:{free_port()}"
    monkeypatch.setenv("NEO4J_URI", uri)
    with pytest.raises(ConnectionError, match=re.escape(f"NEO4J_URI={uri}")), running_server():
        pass


@pytest.mark.usefixtures("no_ways")
def test_unknown_way_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMSGRAPH_TEST_NEO4J", "memory")
    with (
        pytest.raises(ValueError, match="docker, maven or arcadedb, got 'memory'"),
        running_server(),
    ):
        pass


def test_server_that_dies_shows_the_end_of_its_log(tmp_path: Path) -> None:
    def ask() -> None:
        raise ServiceUnavailable("connection refused")

    dies = ["sh", "-c", "echo 'no such setting: 분수'; exit 3"]
    started = time.monotonic()
    with (
        running_process(dies, tmp_path) as (ended, log),
        pytest.raises(NotAvailableError, match=r"it ended .*(?s:.*)no such setting: 분수"),
    ):
        wait_for(ask, ended, log)
    assert time.monotonic() - started < 10


def test_server_is_gone_when_the_tests_are_done_with_it(tmp_path: Path) -> None:
    with running_process(TELLS_ITS_ID, tmp_path):
        process_id = _told_id(tmp_path)
        assert _is_running(process_id)
    assert not _is_running(process_id)


def test_server_is_gone_even_when_the_tests_were_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from tests.servers.server_process import running_process\n"
        "with running_process(sys.argv[2:], Path(sys.argv[1])): time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), *TELLS_ITS_ID],
        cwd=Path(__file__).parents[2],
    ) as tests:
        process_id = _told_id(tmp_path)
        assert _is_running(process_id)
        tests.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _is_running(process_id):
        assert time.monotonic() < deadline, f"process {process_id} outlived the tests"
        time.sleep(0.02)


def _told_id(folder: Path) -> int:
    log = folder / "server.log"
    deadline = time.monotonic() + 10
    while not (log.exists() and log.read_text("utf-8").endswith("\n")):
        assert time.monotonic() < deadline, "the process never told its id"
        time.sleep(0.02)
    return int(log.read_text("utf-8"))


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
