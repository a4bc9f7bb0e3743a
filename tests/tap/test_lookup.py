"""The lookup: what it asks, that it never looks at all nodes, and what it makes of unclear answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from neo4j import Driver

from examsgraph_callbacks import Journal
from examsgraph_callbacks.graph.tap import record_paths
from examsgraph_callbacks.graph.tap.collected import NodeKey
from examsgraph_callbacks.graph.tap.lookup_statements import (
    Wanted,
    _by_element_id,
    _by_index,
    _fitting,
    _question,
)
from tests.tap.graph import LABEL, QUESTION, assert_true_hops, explored

VECTOR = [*QUESTION.embedding]
INDEXES = [
    ("RANGE", "Chunk", "id"),
    ("RANGE", "Concept", "name"),
    ("RANGE", "Concept", "difficulty"),
    ("VECTOR", "Concept", "embedding"),
    ("RANGE", "Odd\\Label", "name"),
]


def wanted(*texts: str) -> Wanted:
    return Wanted((), ("정규화",), {"정규화": ["제1정규형"]}, ("name", "title", "id"), VECTOR, texts)


def operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["operatorType"]
    for child in plan.get("children", ()):
        yield from operators(child)


@pytest.mark.parametrize("way", [_by_element_id(), _by_index(LABEL, "name")], ids=["by id", "by name"])
def test_every_node_is_sought(driver: Driver, way: str, caplog: pytest.LogCaptureFixture) -> None:
    keys = [NodeKey(None, str(number)) for number in range(100)]
    question = _question(wanted(), keys, [way], INDEXES)
    summary = driver.execute_query(f"EXPLAIN {question.statement}", question.parameters).summary
    assert summary.plan is not None
    used = set(operators(summary.plan))
    assert any("Seek" in operator for operator in used)
    assert not any("Scan" in operator for operator in used)
    assert not caplog.records, "a notification of ours would be in the application's log"


def test_nodes_are_found_by_what_names_them_with_embeddings_first() -> None:
    assert _fitting(INDEXES, wanted()) == [("Concept", "name"), ("Chunk", "id")]


def test_of_labels_that_the_queries_speak_of_only_those() -> None:
    assert _fitting(INDEXES, wanted("MATCH (c:Chunk) RETURN c.id")) == [("Chunk", "id")]


def test_a_name_that_several_nodes_have_gets_no_score(driver: Driver, journal: Journal) -> None:
    double = "TapDouble"
    driver.execute_query(f"CREATE INDEX tap_double IF NOT EXISTS FOR (n:{double}) ON (n.name)")
    driver.execute_query(
        f"UNWIND range(1, 2) AS _ CREATE (n:{double} {{name: '정규화', embedding: $vector}})", vector=VECTOR
    )
    driver.execute_query("CALL db.awaitIndexes(60)")
    try:
        with record_paths(journal=journal):
            driver.execute_query(
                f"OPTIONAL MATCH (:{double})-[r:NoSuchType]->() WITH r LIMIT 1 "
                "WHERE $query_vector IS NOT NULL "
                "RETURN '제1정규형' AS source, coalesce(type(r), '역') AS relation, '정규화' AS target",
                query_vector=VECTOR,
            )
    finally:
        driver.execute_query(f"MATCH (n:{double}) DETACH DELETE n")
        driver.execute_query("DROP INDEX tap_double")
    (hop,) = explored(journal).hops
    assert hop.similarity_score is None
    assert "1 name stood for several nodes each: no scores of theirs." in explored(journal).uncaptured


def test_where_the_name_property_is_another_it_can_be_told(driver: Driver, journal: Journal) -> None:
    query = (
        f"MATCH path = (:{LABEL} {{name: '정규화'}})-->() WHERE $query_vector IS NOT NULL RETURN path LIMIT 2"
    )
    with record_paths(journal=journal, name_property="summary"):
        records = driver.execute_query(query, query_vector=VECTOR).records
    summaries = {node["summary"] for record in records for node in record["path"].nodes}
    assert {name for hop in explored(journal).hops for name in (hop.node, hop.next_node)} == summaries


def test_indexes_are_asked_for_once_a_driver(driver: Driver, journal: Journal) -> None:
    query = f"MATCH (:{LABEL} {{name: '정규화'}})-[r]->() WHERE $query_vector IS NOT NULL RETURN r"
    for number in range(2):
        own = Journal(journal.path / str(number))
        with record_paths(journal=own):
            driver.execute_query(query, query_vector=VECTOR)
        assert_true_hops(explored(own), VECTOR)
