"""Similarities from embeddings are Neo4j's, and nothing else is taken for an embedding."""

import math

import pytest

from examsgraph_callbacks.graph.tap.collected import NodeKey
from examsgraph_callbacks.graph.tap.similarity import similarities
from tests.tap.graph import similarity, vectors

A, B, C = (NodeKey(None, name) for name in "abc")
X, Y = [1.0, *[0.0] * 7], [0.0, 1.0, *[0.0] * 6]


def test_they_are_neo4js_whatever_the_vectors_lengths() -> None:
    found = similarities(
        [3 * x for x in X], {A: X, B: [5 * y for y in Y], C: [-x for x in X]}, [(A, B), (A, C)]
    )
    assert found.to_query == pytest.approx({A: 1.0, B: 0.5, C: 0.0})
    assert found.of_pairs == pytest.approx({(A, B): 0.5, (A, C): 0.0})
    assert found.of_pair(B, A) == pytest.approx(0.5)


def test_they_are_what_the_demonstrations_vectors_say() -> None:
    names = [NodeKey(None, name) for name in ("정규화", "제1정규형")]
    embeddings = {key: [*vectors()[key.name or ""]] for key in names}
    found = similarities(embeddings[names[0]], embeddings, [(names[0], names[1])])
    assert found.of_pairs[names[0], names[1]] == pytest.approx(similarity("정규화", "제1정규형"), abs=1e-12)


def test_what_is_of_another_dimension_or_no_direction_tells_nothing() -> None:
    embeddings = {A: X, B: [*X, 0.0], C: [0.0] * 8}
    found = similarities(X, embeddings, [(A, B), (A, C)])
    assert (set(found.to_query), found.of_pairs) == ({A}, {})
    assert similarities([math.nan] * 8, {A: X}, []).to_query == {}


def test_numbers_too_large_to_be_squared_tell_nothing_and_warn_of_nothing() -> None:
    huge = {A: [1e200] * 8, B: [math.inf] * 8, C: [1e-170] * 8}
    found = similarities(X, huge, [(A, B), (A, C)])
    assert (found.to_query, found.of_pairs) == ({}, {})


def test_without_a_query_vector_nodes_are_compared_still() -> None:
    found = similarities(None, {A: X, B: Y}, [(A, B)])
    assert found.to_query == {}
    assert found.of_pairs == pytest.approx({(A, B): 0.5})


def test_without_embeddings_there_are_none() -> None:
    assert similarities(X, {}, [(A, B)]).to_query == {}
