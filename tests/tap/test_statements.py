"""What a query's text and parameters tell, without asking the database."""

from typing import Any

import numpy as np
import pytest

from examsgraph_callbacks.graph.tap.statements import bounds_in, query_vector_in, read_statement

VECTOR = [0.1] * 8


@pytest.mark.parametrize(
    ("pattern", "depth"),
    [
        ("(a)-[*1..3]-(b)", 3),
        ("(a)-[r:선수|포함*..2]->(b)", 2),
        ("(a)-[*4]-(b)", 4),
        ("(a)-[*2..]-(b)", None),
        ("(a)-[*]-(b)", None),
        ("(a)-[:선수]->{1,5}(b)", 5),
        ("((a)-[:선수]->(b)){1,6}", 6),
        ("(a)-[r]-(b)", None),
        ("(a {size: 3})-[r]-(b) WHERE a.n * 7 > 1", None),
        ("(a)-[*1..2]-(b), (b)-[*1..4]-(c)", 4),
    ],
)
def test_how_far_it_looks(pattern: str, depth: int | None) -> None:
    assert read_statement(f"MATCH {pattern} RETURN a").depth == depth


@pytest.mark.parametrize(
    ("parameters", "vector"),
    [
        ({"query_vector": VECTOR}, VECTOR),
        ({"anything": VECTOR}, VECTOR),
        ({"other": [0.2] * 8, "embedding": VECTOR}, VECTOR),
        ({"query_vector": tuple(VECTOR)}, VECTOR),
        ({"query_vector": np.asarray(VECTOR)}, VECTOR),
        ({"query_vector": [1, *VECTOR[1:]]}, [1, *VECTOR[1:]]),
        ({"ids": list(range(20))}, None),
        ({"names": ["정규화"] * 20}, None),
        ({"weights": [0.5, 0.5]}, None),
        ({"text": "정규화의 목적은?", "nothing": None, "flags": [True] * 9}, None),
    ],
    ids=range(10),
)
def test_the_query_vector_is_known_by_its_shape(
    parameters: dict[str, Any], vector: list[float] | None
) -> None:
    assert query_vector_in(parameters) == vector


def test_bounds_are_told_by_their_usual_names() -> None:
    statement = read_statement("MATCH (node)-[*1..2]-(b) RETURN b")
    parameters = {"top_k": 5, "score_threshold": 0.7, "k": "five"}
    assert bounds_in(statement, parameters, has_vector=True) == {
        "depth": 2,
        "seeds": 5,
        "similarity_threshold": 0.7,
    }
    assert "seeds" not in bounds_in(statement, {"limit": 30}, has_vector=False)
