"""Writes a concept graph into Neo4j, with the vector index that `Neo4jGraph` begins at."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.graph.asking import ask
from examsgraph_callbacks.graph.concepts import Concept, ConceptGraph, Relation
from examsgraph_callbacks.graph.cypher import quoted

if TYPE_CHECKING:
    from neo4j import Driver, Record

__all__ = ["load_graph", "write_graph"]

_TIMEOUT_SECONDS = 120.0


def load_graph(
    driver: "Driver",
    concepts: Iterable[Concept],
    relations: Iterable[Relation],
    *,
    index_name: str = "concept_embedding",
    label: str = "Concept",
    database: str | None = None,
) -> None:
    """Write the graph and wait until its index answers; `Neo4jGraph` of the same names reads it.

    A concept becomes a node with `label` and the properties `name`, `summary` and `embedding`. Loading
    again changes nothing; what else the database holds is left alone. Neo4j only: elsewhere call
    `write_graph` and create the index by the server's own means.

    Raises `InvalidInputError` for a graph that `ConceptGraph.of` refuses and where `index_name` is
    already an index of another dimension, and `GraphUnavailableError` where the server refuses.
    """
    graph = ConceptGraph.of(concepts, relations)
    _create_index(driver, graph.dimensions, index_name=index_name, label=label, database=database)
    write_graph(driver, graph, label=label, database=database)
    _write(
        driver,
        "CALL db.awaitIndex($name, $seconds)",
        {"name": index_name, "seconds": int(_TIMEOUT_SECONDS)},
        database=database,
    )


def write_graph(
    driver: "Driver", graph: ConceptGraph, *, label: str = "Concept", database: str | None = None
) -> None:
    """Write the concepts and relations alone; writing them again changes nothing."""
    node = quoted(label)
    _write(
        driver,
        f"CREATE CONSTRAINT IF NOT EXISTS FOR (concept:{node}) REQUIRE concept.name IS UNIQUE",
        database=database,
    )
    _write(
        driver,
        f"""
        UNWIND $concepts AS row
        MERGE (concept:{node} {{name: row.name}})
        SET concept.summary = row.summary, concept.embedding = row.embedding
        """,
        {"concepts": [concept.model_dump() for concept in graph.concepts]},
        database=database,
    )
    by_type: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for relation in graph.relations:
        by_type[relation.type].append({"source": relation.source, "target": relation.target})
    for kind, rows in by_type.items():
        _write(
            driver,
            f"""
            UNWIND $rows AS row
            MATCH (source:{node} {{name: row.source}}), (target:{node} {{name: row.target}})
            MERGE (source)-[:{quoted(kind)}]->(target)
            """,
            {"rows": rows},
            database=database,
        )


def _create_index(
    driver: "Driver", dimensions: int, *, index_name: str, label: str, database: str | None
) -> None:
    _write(
        driver,
        f"""
        CREATE VECTOR INDEX {quoted(index_name)} IF NOT EXISTS
        FOR (concept:{quoted(label)}) ON concept.embedding
        OPTIONS {{indexConfig: {{
            `vector.dimensions`: {dimensions}, `vector.similarity_function`: 'cosine'
        }}}}
        """,
        database=database,
    )
    (record,) = _write(
        driver,
        "SHOW VECTOR INDEXES YIELD name, options WHERE name = $name RETURN options",
        {"name": index_name},
        database=database,
    )
    indexed = record["options"]["indexConfig"]["vector.dimensions"]
    if indexed != dimensions:
        raise InvalidInputError(
            f"expected the index {index_name!r} to hold vectors of {dimensions} numbers, got one of "
            f"{indexed}: drop it, or pass another index_name and label",
        )


def _write(
    driver: "Driver",
    statement: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    database: str | None,
) -> "list[Record]":
    return ask(
        driver,
        statement,
        parameters or {},
        database=database,
        timeout_seconds=_TIMEOUT_SECONDS,
        writes=True,
        fix="use Neo4j 5.23 or newer, and a database that the user may change",
    ).records
