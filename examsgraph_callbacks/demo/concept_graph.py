"""The graph that the tutor explores: in Neo4j where one is given, in memory where not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from examsgraph_callbacks.demo.questions import CONCEPTS, RELATIONS
from examsgraph_callbacks.graph import (
    ConceptGraph,
    GraphBackend,
    MemoryGraph,
    Neo4jGraph,
    connect,
    load_graph,
)

__all__ = ["LABEL", "open_graph"]

LABEL = "ExamsGraphDemo"
"""The label of the demo's nodes: its own, so that a graph that is there already is left alone."""

_INDEX = "examsgraph_demo_embedding"


@contextmanager
def open_graph() -> Iterator[tuple[GraphBackend, str]]:
    """The graph and where it is, in a few words.

    That is the database at `NEO4J_URI` (`NEO4J_USERNAME`, `NEO4J_PASSWORD`), into which the graph is
    loaded first, which changes nothing the second time. Raises `GraphUnavailableError` where it cannot
    be reached.
    """
    graph = ConceptGraph.from_jsonl(CONCEPTS, RELATIONS)
    size = f"{len(graph.concepts)} concepts, {len(graph.relations)} relations"
    uri = os.environ.get("NEO4J_URI")
    if not uri:
        yield MemoryGraph(graph.concepts, graph.relations), f"{size}, in memory (set NEO4J_URI for Neo4j)"
        return

    user, password = os.environ.get("NEO4J_USERNAME", "neo4j"), os.environ.get("NEO4J_PASSWORD")
    with connect(uri, user, password) as driver:
        load_graph(driver, graph.concepts, graph.relations, index_name=_INDEX, label=LABEL)
        yield Neo4jGraph(driver, _INDEX, LABEL), f"{size}, in Neo4j at {uri} as (:{LABEL})"
