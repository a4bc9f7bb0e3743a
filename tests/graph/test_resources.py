"""A resource of a concept, in a real Neo4j: linked once, returned, and an error that names the fix."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from neo4j import Driver, GraphDatabase
from typer.testing import CliRunner

from examsgraph_callbacks.cli import app
from examsgraph_callbacks.errors import GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.events import ConceptResource
from examsgraph_callbacks.graph import add_resource, connect
from examsgraph_callbacks.journal import Journal
from tests.servers.neo4j_server import Neo4jServer

NOW = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
RUN = CliRunner()


@pytest.fixture(scope="module")
def driver(neo4j_server: Neo4jServer) -> Iterator[Driver]:
    login = (neo4j_server.username, neo4j_server.password)
    with GraphDatabase.driver(neo4j_server.uri, auth=login) as opened:
        yield opened


@pytest.fixture
def label(driver: Driver) -> Iterator[str]:
    own = f"개념_{secrets.token_hex(4)}"
    names = ["정규화", "반정규화", "함수 종속", "이상현상"]
    driver.execute_query(f"UNWIND $names AS name CREATE (:`{own}` {{name: name}})", names=names)
    yield own
    driver.execute_query(
        f"MATCH (n:`{own}`) OPTIONAL MATCH (n)-[:HAS_RESOURCE]->(r:Resource) DETACH DELETE n, r"
    )


@pytest.fixture
def url() -> str:
    return f"https://youtu.be/{secrets.token_hex(4)}"


def resources(driver: Driver, label: str) -> list[dict[str, object]]:
    records, _, _ = driver.execute_query(
        f"MATCH (c:`{label}`)-[has]->(r) RETURN c.name AS concept, type(has) AS has, labels(r) AS labels, "
        "r.url AS url, r.kind AS kind, r.title AS title, r.added_at AS added_at ORDER BY concept, url"
    )
    return [record.data() for record in records]


def test_a_resource_is_linked_to_its_concept(driver: Driver, label: str, url: str) -> None:
    added = add_resource(driver, "정규화", "video", f" {url} ", "정규화 10분", label=label, now=NOW)

    assert (added.concept, added.kind, added.url, added.title) == ("정규화", "video", url, "정규화 10분")
    assert (added.is_new, added.added_at) == (True, NOW)
    (found,) = resources(driver, label)
    assert (found["has"], found["labels"]) == ("HAS_RESOURCE", ["Resource"])
    assert (found["url"], found["kind"], found["title"]) == (url, "video", "정규화 10분")
    # ArcadeDB does not keep the zone
    assert found["added_at"].to_native().replace(tzinfo=UTC) == NOW  # type: ignore[attr-defined]


def test_adding_it_again_changes_its_kind_and_title_and_nothing_else(
    driver: Driver, label: str, url: str
) -> None:
    add_resource(driver, "정규화", "video", url, "정규화 10분", label=label, now=NOW)
    again = add_resource(driver, "정규화", "explanation", url, label=label)

    assert (again.is_new, again.added_at, again.title) == (False, NOW, "정규화 10분")
    (found,) = resources(driver, label)
    assert (found["kind"], found["title"]) == ("explanation", "정규화 10분")


def test_two_concepts_may_have_one_resource(driver: Driver, label: str, url: str) -> None:
    add_resource(driver, "정규화", "image", url, label=label, now=NOW)
    second = add_resource(driver, "반정규화", "image", url, label=label)

    assert second.is_new
    assert [found["concept"] for found in resources(driver, label)] == ["반정규화", "정규화"]
    records, _, _ = driver.execute_query("MATCH (r:Resource {url: $url}) RETURN count(r) AS n", url=url)
    assert records[0]["n"] == 1


@pytest.mark.parametrize(("written", "meant"), [("함수종속", "함수 종속"), ("정규하", "정규화")])
def test_a_concept_that_is_not_there_is_told_with_those_that_are_spelled_like_it(
    driver: Driver, label: str, url: str, written: str, meant: str
) -> None:
    with pytest.raises(InvalidInputError, match=f"got '{written}', which none has: did you mean '{meant}'"):
        add_resource(driver, written, "video", url, label=label)
    assert resources(driver, label) == []
    records, _, _ = driver.execute_query("MATCH (r:Resource {url: $url}) RETURN count(r) AS n", url=url)
    assert records[0]["n"] == 0


def test_where_nothing_is_like_it_an_example_and_where_nothing_is_the_label_is_the_fix(
    driver: Driver, label: str, url: str
) -> None:
    with pytest.raises(InvalidInputError, match="as the graph spells it, for example '반정규화'"):
        add_resource(driver, "Zebra", "video", url, label=label)
    with pytest.raises(InvalidInputError, match="no such nodes: pass --label and --name-property"):
        add_resource(driver, "정규화", "video", url, label=f"{label}_2")


@pytest.mark.parametrize(
    "url", ["youtu.be/1", "javascript:alert(1)", "https://", "https://a b/", "http://[", ""]
)
def test_only_an_address_of_the_web_is_linked(driver: Driver, label: str, url: str) -> None:
    with pytest.raises(InvalidInputError, match="expected an address of the web"):
        add_resource(driver, "정규화", "video", url, label=label)


def test_names_are_parameters_and_no_cypher(driver: Driver, label: str, url: str) -> None:
    hostile = "x'}) DETACH DELETE concept //"
    with pytest.raises(InvalidInputError, match="which none has"):
        add_resource(driver, hostile, "video", url, label=label)
    add_resource(driver, "정규화", "video", f"{url}?a='}})", "'; MATCH (n) DETACH DELETE n", label=label)
    assert len(resources(driver, label)) == 1


def test_a_server_that_is_down_is_told_with_the_fix(url: str) -> None:
    with connect("bolt://127.0.0.1:9") as driver, pytest.raises(GraphUnavailableError, match="start it"):
        add_resource(driver, "정규화", "video", url)


def test_the_command_links_it_and_lets_the_journal_know_once(
    driver: Driver,
    neo4j_server: Neo4jServer,
    label: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"https://youtu.be/{secrets.token_hex(4)}"
    monkeypatch.setenv("NEO4J_URI", neo4j_server.uri)
    monkeypatch.setenv("NEO4J_USERNAME", neo4j_server.username)
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    journal = Journal(tmp_path / "journal")
    options = ["--kind", "video", "--url", url, "--title", "정규화 10분", "--label", label]
    command = ["concept", "add-resource", "정규화", *options, "--journal", str(journal.path)]

    first, second = RUN.invoke(app, command), RUN.invoke(app, command)

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert first.stderr == second.stderr == ""
    assert f"정규화 has a new video: 정규화 10분 ({url})" in first.stdout
    assert f"examsgraph report --journal {journal.path}" in first.stdout
    assert second.stdout.startswith("정규화 has it since ")
    assert len(resources(driver, label)) == 1
    (fact,) = journal.read()
    assert isinstance(fact, ConceptResource)
    assert (fact.concept, fact.resource_kind, fact.url, fact.title) == ("정규화", "video", url, "정규화 10분")

    unknown = RUN.invoke(app, ["concept", "add-resource", "정규하", *options, "--journal", str(journal.path)])
    assert unknown.exit_code == 1
    assert "did you mean '정규화'" in unknown.stderr
    assert len(unknown.stderr.splitlines()) == 1


def test_without_a_server_the_command_says_which_variable_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_URI", raising=False)
    shown = RUN.invoke(app, ["concept", "add-resource", "정규화", "--kind", "video", "--url", "https://a.kr"])
    assert shown.exit_code == 1
    assert "in NEO4J_URI, got none: set it" in shown.stderr
