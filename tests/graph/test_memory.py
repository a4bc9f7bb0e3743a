"""The graph in memory and the files it is read from."""

import subprocess
import sys
from pathlib import Path

import pytest

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.graph import (
    Concept,
    ConceptContent,
    ConceptGraph,
    FollowedDirection,
    GraphBackend,
    MemoryGraph,
    Relation,
)
from tests.graph.graphs import DEMO, QUERY, demo_graph, scored

A = Concept(name="a", summary="first", embedding=(3.0, 4.0))
B = Concept(name="b", embedding=(0.0, 0.5))
A_TO_B = Relation(source="a", type="포함", target="b")
B_TO_A = Relation(source="b", type="해결", target="a")
LOOP = Relation(source="a", type="관련", target="a")


def test_it_is_a_backend() -> None:
    assert isinstance(scored({"a": 0.9}, []), GraphBackend)


def test_the_demonstrations_graph_is_read_whole() -> None:
    graph = demo_graph()
    assert (len(graph.concepts), len(graph.relations), graph.dimensions) == (62, 85, 384)
    memory = MemoryGraph.from_jsonl(DEMO / "concepts.jsonl", DEMO / "relations.jsonl")
    assert memory.describe().backend == "memory: 62 concepts, 85 relations"
    assert memory.contents(["BCNF", "없는 개념"]) == {
        "BCNF": ConceptContent("모든 결정자가 후보키가 되도록 분해한 강화된 제3정규형")
    }


def test_scores_are_half_of_one_plus_the_cosine_whatever_the_vectors_lengths() -> None:
    graph = MemoryGraph([A, B], [A_TO_B])
    (found,) = graph.neighbours((10.0, 0.0), ["a"], 200).candidates
    assert found.similarity_score == pytest.approx((1 + 0.0) / 2)
    assert found.edge_similarity == pytest.approx((1 + 4 / 5) / 2)
    (seed,) = graph.named((10.0, 0.0), ["a", "unknown"])
    assert seed.node == "a"
    assert seed.similarity_score == pytest.approx((1 + 3 / 5) / 2)


def test_the_nearest_are_in_the_order_of_score_and_then_of_name() -> None:
    tied = [f"concept {number:03}" for number in range(200)]
    graph = scored({**dict.fromkeys(reversed(tied), 0.8), "best": 0.9}, [])
    assert [seed.node for seed in graph.nearest(QUERY, 100)] == ["best", *tied[:99]]
    assert len(graph.nearest(QUERY, 1000)) == 201


def test_numpy_and_neo4j_are_not_loaded_before_they_are_used() -> None:
    loaded = "import examsgraph_callbacks.graph, sys; print({'numpy', 'neo4j'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("direction", "seen"),
    [
        ("both", {("포함", "b", "out"), ("해결", "b", "in"), ("관련", "a", "out")}),
        ("out", {("포함", "b", "out"), ("관련", "a", "out")}),
        ("in", {("해결", "b", "in"), ("관련", "a", "out")}),
    ],
)
def test_relations_are_looked_along_in_the_direction_that_is_asked_for(
    direction: FollowedDirection, seen: set[tuple[str, str, str]]
) -> None:
    graph = MemoryGraph([A, B], [A_TO_B, B_TO_A, LOOP, A_TO_B], direction=direction)
    found = [(c.relation, c.next_node, c.direction) for c in graph.neighbours(QUERY, ["a"], 200).candidates]
    assert graph.describe().direction == direction
    assert len(found) == len(seen)
    assert set(found) == seen


def test_only_relations_of_the_named_types_are_looked_at() -> None:
    graph = MemoryGraph([A, B], [A_TO_B, B_TO_A], relationship_types=["해결"])
    found = graph.neighbours(QUERY, ["a", "b"], 200).candidates
    assert [candidate.relation for candidate in found] == ["해결", "해결"]
    assert graph.describe().backend == "memory: 2 concepts, 1 relations"
    assert graph.describe().relationship_types == ("해결",)


def test_a_query_of_another_dimension_is_refused_before_anything_is_scored() -> None:
    with pytest.raises(InvalidInputError, match="of 2 numbers, got 3"):
        MemoryGraph([A, B], []).nearest((1.0, 0.0, 0.0), 1)


@pytest.mark.parametrize(
    ("concepts", "relations", "message"),
    [
        ([], [], "expected concepts, got none"),
        ([A, A], [], "got 'a' twice"),
        ([A, Concept(name="c", embedding=(1.0,))], [], "2 finite numbers .* for 'c', got 1"),
        ([A, Concept(name="c", embedding=(0.0, 0.0))], [], "not all 0 for 'c'"),
        ([A, Concept(name="c", embedding=(float("nan"), 1.0))], [], "finite .* for 'c'"),
        ([A], [A_TO_B], "'a' -포함-> 'b': add the concept 'b'"),
    ],
)
def test_an_unsound_graph_is_refused(
    concepts: list[Concept], relations: list[Relation], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        ConceptGraph.of(concepts, relations)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"name": "b"}', "concept in line 2 of .*, but embedding: Field required"),
        ('{"name": "b", "embedding": [1, "x"]}', "line 2 of .*, but embedding.1: "),
        ("not JSON", "line 2 of .*, but it: Invalid JSON"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    concepts, relations = tmp_path / "concepts.jsonl", tmp_path / "relations.jsonl"
    concepts.write_text(f"{A.model_dump_json()}\n{line}\n", encoding="utf-8")
    relations.write_text("", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=message):
        MemoryGraph.from_jsonl(concepts, relations)
