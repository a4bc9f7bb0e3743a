"""What is made of a server's name and of its calibration: which seeds' statement, which scale."""

import pytest

from examsgraph_callbacks.errors import GraphUnavailableError
from examsgraph_callbacks.graph.cypher import GraphSchema
from examsgraph_callbacks.graph.server import KnownServer

SCHEMA = GraphSchema("`index`", "`Concept`", "`name`", "`text`", "`embedding`", None, "both")


@pytest.mark.parametrize(
    ("agent", "has_search"),
    [
        ("Neo4j/5.26.30", False),
        ("Neo4j/2025.12.1", False),
        ("Neo4j/2026.01.0", True),
        ("Neo4j/2026.10.2", True),
        ("Neo4j/2027.01-aura", True),
        ("Neo4j/5.27-aura", False),
        # look-alikes, whose Cypher is of their own
        ("Neo4j/5.26.0 compatible (ArcadeDB 26.10.2)", False),
        ("Neo4j/2026.05.0 compatible (ArcadeDB 28.1.0)", False),
        ("Memgraph/3.1", False),
    ],
)
def test_beginnings_are_found_by_search_from_2026_01_on(agent: str, *, has_search: bool) -> None:
    server = KnownServer.of(agent, 0.5)
    assert server.has_search == has_search
    for statement in (SCHEMA.nearest(server), SCHEMA.neighbours(server)):
        assert statement.startswith("CYPHER 25") == has_search
        assert ("SEARCH" in statement) == has_search
        assert ("db.index.vector.queryNodes($index_name" in statement) != has_search


def test_on_a_server_of_cosines_scores_are_brought_to_neo4js_scale() -> None:
    assert "(1 + vector.similarity.cosine" in SCHEMA.nearest(KnownServer.of("ArcadeDB", 0.0))
    assert "(1 + vector.similarity.cosine" not in SCHEMA.nearest(KnownServer.of("Neo4j/5.26.30", 0.5))


def test_a_scale_that_is_not_known_is_refused() -> None:
    with pytest.raises(GraphUnavailableError, match=r"got 1\.57 from Other/1: use Neo4j or ArcadeDB"):
        KnownServer.of("Other/1", 1.57)
