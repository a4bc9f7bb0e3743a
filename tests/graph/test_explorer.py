"""The whole exploration, on the demonstration's graph, on metacademy and on small ones."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import pytest

from examsgraph_callbacks.errors import GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.events import RetrievalParams, SampledNode
from examsgraph_callbacks.graph import (
    Concept,
    ConceptGraph,
    ExplorationResult,
    MemoryGraph,
    Neighbourhood,
    Relation,
    explore,
    explore_by_level,
    judged,
    next_frontier,
)
from tests.graph.graphs import (
    QUERY,
    demo_graph,
    demo_questions,
    metacademy_graph,
    metacademy_queries,
    scored,
)

NARROW = RetrievalParams(depth=3, similarity_threshold=0.7, beam_width=1, seeds=1)
MANY_PARAMS = (
    NARROW,
    RetrievalParams(),
    RetrievalParams(seeds=3, beam_width=3, fan_out=2, max_hops=7),
    RetrievalParams(depth=5, similarity_threshold=0.55, beam_width=10, max_hops=30),
)


def memory(graph: ConceptGraph) -> MemoryGraph:
    return MemoryGraph(graph.concepts, graph.relations)


@dataclass(frozen=True)
class Walked:
    """A graph and what was explored in it, for many queries and parameters."""

    graph: ConceptGraph
    explorations: tuple[ExplorationResult, ...]


@pytest.fixture(scope="module", params=["demo", "metacademy"])
def walked(request: pytest.FixtureRequest) -> Walked:
    if request.param == "demo":
        graph, queries = demo_graph(), [question.embedding for question in demo_questions()]
    else:
        graph, queries = metacademy_graph(), list(metacademy_queries())
    backend = memory(graph)
    return Walked(
        graph,
        tuple(explore(query, backend, params) for query in queries for params in MANY_PARAMS),
    )


def test_the_first_question_walks_to_the_stray_hop() -> None:
    exploration = explore(demo_questions()[0].embedding, memory(demo_graph()), NARROW)
    assert [(seed.node, seed.similarity_score) for seed in exploration.seeds] == [("정규화", 0.844003)]
    assert [
        (hop.node, hop.relation, hop.next_node, round(hop.similarity_score or 0, 3))
        for hop in exploration.path
    ] == [
        ("정규화", "포함", "제1정규형", 0.797),
        ("제1정규형", "해결", "이상현상", 0.716),
        ("이상현상", "관련", "SQL 문법", 0.723),
    ]
    # the query finds SQL near enough; only the step from 이상현상 to it shows that it strays
    assert exploration.path[-1].edge_similarity == pytest.approx(0.673, abs=5e-4)


def test_no_exploration_exceeds_its_bounds(walked: Walked) -> None:
    for exploration in walked.explorations:
        bounds, path = exploration.bounds, exploration.path
        assert len(exploration.seeds) == bounds.seeds
        assert len(path) <= bounds.max_hops
        assert all(hop.depth <= bounds.depth for hop in exploration.hops)
        assert all((hop.similarity_score or 0) >= bounds.similarity_threshold for hop in path)
        assert all(count <= bounds.beam_width for count in Counter(h.depth for h in path).values())
        assert exploration.round_trips <= 1 + bounds.depth


def test_every_relation_of_every_concept_on_a_frontier_is_recorded(walked: Walked) -> None:
    ends: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for relation in walked.graph.relations:
        ends[relation.source][relation.type, relation.target] += 1
        ends[relation.target][relation.type, relation.source] += 1
    for exploration in walked.explorations:
        frontier = {seed.node for seed in exploration.seeds}
        for depth in range(1, exploration.round_trips):
            level = [hop for hop in exploration.hops if hop.depth == depth]
            for node in frontier:
                looked_at = Counter((h.relation, h.next_node) for h in level if h.node == node)
                assert looked_at == ends[node]
            assert {hop.node for hop in level} <= frontier
            frontier = {hop.next_node for hop in level if hop.verdict == "followed"}


def test_no_concept_is_reached_twice_and_each_hop_begins_where_another_ended(
    walked: Walked,
) -> None:
    for exploration in walked.explorations:
        reached = [seed.node for seed in exploration.seeds]
        for hop in exploration.path:
            assert hop.node in reached
            assert hop.next_node not in reached
            reached.append(hop.next_node)


def test_an_exploration_does_not_depend_on_the_order_of_concepts_and_relations(
    walked: Walked,
) -> None:
    concepts, relations = list(walked.graph.concepts), list(walked.graph.relations)
    random.Random(7).shuffle(concepts)
    random.Random(8).shuffle(relations)
    shuffled, ordered = MemoryGraph(concepts, relations), memory(walked.graph)
    for concept in walked.graph.concepts[::5]:
        for params in MANY_PARAMS:
            assert explore(concept.embedding, shuffled, params) == explore(concept.embedding, ordered, params)


def test_the_length_of_the_query_vector_does_not_matter() -> None:
    graph, question = memory(demo_graph()), demo_questions()[0]
    longer = [7.0 * component for component in question.embedding]
    assert explore(longer, graph) == explore(question.embedding, graph)


def test_it_ends_where_nothing_is_followed_and_asks_no_further() -> None:
    graph = scored({"a": 0.9, "b": 0.6, "c": 0.9}, [("a", "포함", "b"), ("b", "포함", "c")])
    exploration = explore(QUERY, graph, start=["a"])
    assert [(hop.next_node, hop.verdict) for hop in exploration.hops] == [("b", "below_threshold")]
    assert exploration.round_trips == 2


def test_of_a_supernode_only_relations_to_the_concepts_nearest_to_the_query_are_looked_at() -> None:
    scores = {"hub": 0.99, "far": 0.6, "aside": 0.95} | {f"near {number}": 0.9 for number in range(4)}
    relations = [("hub", "포함", name) for name in scores if name not in {"hub", "aside"}]
    graph = scored(scores, relations)
    # the three nearest of all: the hub itself, `aside`, to which no relation leads, and one of the tied
    sampled = explore(QUERY, graph, RetrievalParams(max_degree=3, seeds=1), start=["hub"])
    assert [hop.next_node for hop in sampled.hops if hop.depth == 1] == ["near 0"]
    assert sampled.sampled == (SampledNode(node="hub", degree=5, looked_at=1),)
    every = explore(QUERY, graph, RetrievalParams(max_degree=5, fan_out=9), start=["hub"])
    assert [hop.next_node for hop in every.hops if hop.depth == 1] == [
        *(f"near {number}" for number in range(4)),
        "far",
    ]
    assert every.sampled == ()


def test_each_hop_carries_the_cosine_of_query_and_next_node_as_its_score_has_it() -> None:
    exploration = explore(QUERY, scored({"a": 0.9, "b": 0.8}, [("a", "포함", "b")]), start=["a"])
    assert [(hop.similarity_score, hop.cosine) for hop in exploration.hops[:1]] == [(0.8, 0.6)]
    for question in demo_questions():
        for hop in explore(question.embedding, memory(demo_graph())).hops:
            assert hop.cosine == round(2 * (hop.similarity_score or 0) - 1, 6)


def test_once_max_hops_are_followed_it_asks_no_further() -> None:
    chain = scored(
        {"a": 0.95, "b": 0.9, "c": 0.85, "d": 0.8},
        [("a", "포함", "b"), ("b", "포함", "c"), ("c", "포함", "d")],
    )
    exploration = explore(QUERY, chain, RetrievalParams(depth=3, max_hops=2))
    assert [hop.next_node for hop in exploration.path] == ["b", "c"]
    assert exploration.round_trips == 3


def test_max_hops_counts_over_the_levels() -> None:
    tree = scored(
        {"a": 0.95, "b": 0.9, "c": 0.85, "d": 0.8, "e": 0.75},
        [("a", "포함", "b"), ("a", "포함", "c"), ("b", "포함", "d"), ("c", "포함", "e")],
    )
    exploration = explore(QUERY, tree, RetrievalParams(max_hops=3), start=["a"])
    verdicts = {hop.next_node: hop.verdict for hop in exploration.hops if hop.direction == "out"}
    assert verdicts == {"b": "followed", "c": "followed", "d": "followed", "e": "max_hops"}


def test_a_node_beyond_the_beam_can_still_be_reached_on_a_later_level() -> None:
    graph = scored(
        {"a": 0.95, "b": 0.9, "c": 0.85},
        [("a", "포함", "b"), ("a", "포함", "c"), ("b", "포함", "c")],
    )
    exploration = explore(QUERY, graph, RetrievalParams(beam_width=1), start=["a"])
    assert [(h.node, h.next_node, h.verdict, h.depth) for h in exploration.hops] == [
        ("a", "b", "followed", 1),
        ("a", "c", "beam", 1),
        ("b", "a", "cycle", 2),
        ("b", "c", "followed", 2),
        ("c", "a", "cycle", 3),
        ("c", "b", "cycle", 3),
    ]


def test_it_starts_at_the_named_concepts_whatever_their_scores() -> None:
    graph = scored({"a": 0.9, "b": 0.2, "c": 0.8}, [("b", "포함", "c"), ("b", "포함", "a")])
    exploration = explore(QUERY, graph, start=["b", "c", "b"])
    assert [seed.node for seed in exploration.seeds] == ["c", "b"]
    assert [(hop.node, hop.next_node) for hop in exploration.path] == [("b", "a")]


def test_open_parameters_are_recorded_as_what_they_stood_for() -> None:
    exploration = explore(QUERY, scored({"a": 0.9}, []), RetrievalParams(depth=2), query="왜?")
    assert exploration.retrieval_params == RetrievalParams(
        depth=2,
        similarity_threshold=0.7,
        max_hops=5,
        beam_width=2,
        fan_out=10,
        seeds=1,
        max_degree=200,
        direction="both",
    )
    assert exploration.query == "왜?"
    assert exploration.backend == "memory: 1 concepts, 0 relations"


def test_what_was_looked_at_is_still_there_when_the_graph_fails_half_way() -> None:
    class FailingAtB(MemoryGraph):
        def neighbours(
            self, query_vector: Sequence[float], frontier: Sequence[str], max_degree: int
        ) -> Neighbourhood:
            if "b" in frontier:
                raise GraphUnavailableError("expected an answer, got none: start the server")
            return super().neighbours(query_vector, frontier, max_degree)

    graph = FailingAtB(
        [Concept(name="a", embedding=(1.0, 0.0)), Concept(name="b", embedding=(1.0, 0.1))],
        [Relation(source="a", type="포함", target="b")],
    )
    states: list[ExplorationResult] = []
    with pytest.raises(GraphUnavailableError):
        states.extend(explore_by_level(QUERY, graph))  # extend keeps what came before the error
    assert [state.round_trips for state in states] == [0, 1, 2]
    assert [hop.next_node for hop in states[-1].path] == ["b"]


def test_whoever_asks_the_graph_himself_gets_the_same_exploration() -> None:
    graph, question = memory(demo_graph()), demo_questions()[0]
    _, exploration = islice(explore_by_level(question.embedding, graph), 2)
    while frontier := next_frontier(exploration):
        found = graph.neighbours(question.embedding, frontier, exploration.bounds.max_degree)
        exploration = judged(exploration, found.candidates)
    assert exploration == explore(question.embedding, graph)


@pytest.mark.parametrize("vector", [(0.0, 0.0), (), (float("nan"), 1.0), (float("inf"), 1.0)])
def test_a_query_vector_that_is_no_direction_is_refused(vector: tuple[float, ...]) -> None:
    with pytest.raises(InvalidInputError, match=f"not all 0, got {len(vector)} numbers"):
        explore(vector, scored({"a": 0.9}, []))


def test_a_query_vector_of_another_dimension_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="of 2 numbers, got 3: embed the query with"):
        explore((1.0, 0.0, 0.0), scored({"a": 0.9}, []))


@pytest.mark.parametrize("start", [["a", "없는 개념"], []])
def test_a_start_that_the_graph_does_not_hold_is_refused(start: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="expected concepts of the graph to start at"):
        explore(QUERY, scored({"a": 0.9}, []), start=start)
