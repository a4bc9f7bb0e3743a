"""What other bounds would have made of an exploration: held against what they really make of it."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from examsgraph_callbacks.errors import GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.events import Exploration, Hop, RetrievalParams, SampledNode, Seed
from examsgraph_callbacks.graph import (
    ConceptGraph,
    ExplorationResult,
    MemoryGraph,
    WhatIf,
    explore,
    explore_by_level,
    sweep_thresholds,
    what_if,
)
from tests.graph.explorations import DOCUMENTS_PATH, recorded, told
from tests.graph.graphs import (
    QUERY,
    demo_graph,
    demo_questions,
    metacademy_graph,
    metacademy_queries,
    scored,
)
from tests.measure.facts import show

CASES = 200


@dataclass(frozen=True)
class Case:
    """A recorded exploration, other bounds, and what a new run under these makes of the same query."""

    exploration: Exploration
    answer: WhatIf
    fresh: ExplorationResult


def cases(graph: ConceptGraph, queries: Sequence[Sequence[float]], seed: int) -> Iterator[Case]:
    dice, backend = random.Random(seed), MemoryGraph(graph.concepts, graph.relations)
    for number in range(CASES):
        query = dice.choice(queries)
        before = RetrievalParams(
            depth=dice.randint(1, 4),
            similarity_threshold=round(dice.uniform(0.5, 0.8), 2),
            max_hops=dice.randint(1, 12),
            beam_width=dice.randint(1, 4),
            fan_out=dice.randint(1, 8),
            seeds=dice.randint(1, 2),
        )
        changes = RetrievalParams(
            similarity_threshold=round(dice.uniform(0.5, 0.95), 2),
            depth=dice.randint(1, 4),
            max_hops=dice.randint(1, 12),
            # in half of the cases these too
            beam_width=dice.randint(1, 4) if number % 2 else None,
            fan_out=dice.randint(1, 8) if number % 2 else None,
        )
        exploration = recorded(explore(query, backend, before))
        answer = what_if(exploration, changes)
        yield Case(exploration, answer, explore(query, backend, answer.params))


@pytest.fixture(scope="module", params=["demo", "metacademy"])
def held_against_new_runs(request: pytest.FixtureRequest) -> tuple[Case, ...]:
    if request.param == "demo":
        queries = [question.embedding for question in demo_questions()]
        found = tuple(cases(demo_graph(), queries, seed=1))
    else:
        found = tuple(cases(metacademy_graph(), metacademy_queries(), seed=2))
    exact = [case for case in found if case.answer.is_exact]
    changed = [case for case in exact if case.answer.path != _followed(case.exploration)]
    show(
        f"{request.param}: {len(found)} cases, {len(exact) / len(found):.0%} exact, "
        f"{len(changed)} of them with another path",
    )
    return found


def _followed(exploration: Exploration) -> tuple[Hop, ...]:
    return tuple(hop for hop in exploration.hops if hop.verdict == "followed")


def test_an_answer_that_says_exact_is_what_a_new_run_comes_to(
    held_against_new_runs: tuple[Case, ...],
) -> None:
    exact = [case for case in held_against_new_runs if case.answer.is_exact]
    for case in exact:
        assert case.answer.hops == case.fresh.hops
        assert case.answer.path == case.fresh.path
        before = {(hop.node, hop.relation, hop.next_node) for hop in _followed(case.exploration)}
        after = {(hop.node, hop.relation, hop.next_node) for hop in case.fresh.path}
        assert {(hop.node, hop.relation, hop.next_node) for hop in case.answer.cut} == before - after
        assert {(hop.node, hop.relation, hop.next_node) for hop in case.answer.added} == after - before
    # both kinds come up, or the test would show nothing
    assert 0.2 * CASES < len(exact) < 0.95 * CASES
    assert any(case.answer.added for case in exact)
    assert any(case.answer.cut for case in exact)


def test_an_answer_that_is_not_exact_is_right_as_far_as_it_goes(
    held_against_new_runs: tuple[Case, ...],
) -> None:
    for case in held_against_new_runs:
        if case.answer.is_exact:
            continue
        hops = case.answer.hops
        assert hops == case.fresh.hops[: len(hops)]
        assert {hop.next_node for hop in case.answer.cut}.isdisjoint(h.next_node for h in case.fresh.path)
        # the concepts that it asks a new run for are the ones that the new run looked at next
        further = case.fresh.hops[len(hops) :]
        asked_next = {hop.node for hop in further if hop.depth == further[0].depth} if further else set()
        looked_at_before = {hop.node for hop in case.exploration.hops}
        assert asked_next - looked_at_before <= set(case.answer.new_run_for)
        assert case.answer.new_run_for


def test_dropping_the_hops_below_the_threshold_would_often_be_wrong(
    held_against_new_runs: tuple[Case, ...],
) -> None:
    filtered_wrongly = [
        case
        for case in held_against_new_runs
        if case.answer.is_exact
        and {hop.next_node for hop in case.answer.path}
        != {
            hop.next_node
            for hop in _followed(case.exploration)
            if (hop.similarity_score or 0) >= (case.answer.params.similarity_threshold or 0)
        }
    ]
    exact = [case for case in held_against_new_runs if case.answer.is_exact]
    show(f"dropping what is below the threshold: wrong in {len(filtered_wrongly) / len(exact):.0%} of those")
    assert filtered_wrongly


def test_a_cut_hop_takes_those_behind_it_along_and_frees_its_place_on_the_beam() -> None:
    graph = scored(
        {"a": 0.95, "b": 0.9, "c": 0.72, "d": 0.88, "e": 0.8},
        [("a", "포함", "b"), ("a", "포함", "c"), ("c", "포함", "d"), ("b", "포함", "e")],
    )
    exploration = recorded(
        explore(QUERY, graph, RetrievalParams(depth=2, beam_width=2, max_hops=3), start=["a"]),
    )
    assert [hop.next_node for hop in _followed(exploration)] == ["b", "c", "d"]
    answer = what_if(exploration, RetrievalParams(similarity_threshold=0.75))
    assert answer.is_exact
    assert [hop.next_node for hop in answer.path] == ["b", "e"]
    assert [hop.next_node for hop in answer.cut] == ["c", "d"]
    assert [hop.next_node for hop in answer.added] == ["e"]


def test_it_names_the_concepts_that_a_new_run_would_have_to_look_at() -> None:
    chain = scored({"a": 0.95, "b": 0.9, "c": 0.85}, [("a", "포함", "b"), ("b", "포함", "c")])
    exploration = recorded(explore(QUERY, chain, RetrievalParams(depth=1), start=["a"]))
    answer = what_if(exploration, RetrievalParams(depth=2))
    assert not answer.is_exact
    assert answer.new_run_for == ("b",)
    assert answer.why_not_exact == "the relations of b were not looked at: explore anew"
    assert [hop.next_node for hop in answer.path] == ["b"]
    assert (answer.cut, answer.added) == ((), ())


def test_a_concept_without_any_relation_was_looked_at_too() -> None:
    graph = scored({"a": 0.95, "b": 0.9, "c": 0.3}, [("c", "포함", "b")])
    exploration = recorded(explore(QUERY, graph, RetrievalParams(depth=1), start=["a"]))
    assert exploration.hops == ()
    assert what_if(exploration, RetrievalParams(depth=3)).is_exact


def test_the_recorded_bounds_change_nothing() -> None:
    graph = MemoryGraph(demo_graph().concepts, demo_graph().relations)
    exploration = recorded(explore(demo_questions()[0].embedding, graph))
    answer = what_if(exploration, RetrievalParams(similarity_threshold=0.7))
    assert (answer.is_exact, answer.hops, answer.cut, answer.added) == (True, exploration.hops, (), ())


def test_where_relations_were_only_sampled_it_is_not_exact() -> None:
    graph = scored(
        {"a": 0.95, "b": 0.9, "c": 0.8},
        [("a", "포함", "b"), ("a", "포함", "c"), ("b", "포함", "c")],
    )
    exploration = recorded(explore(QUERY, graph, RetrievalParams(depth=2), start=["a"]))
    sampled = exploration.model_copy(update={"sampled": (SampledNode(node="b", degree=9, looked_at=2),)})
    higher = RetrievalParams(similarity_threshold=0.75)
    assert what_if(exploration, higher).is_exact
    answer = what_if(sampled, higher)
    assert answer.new_run_for == ("b",)
    assert "only a sample" in (answer.why_not_exact or "")
    # where its relations are not asked for, they do not matter
    assert what_if(sampled, RetrievalParams(depth=1)).is_exact
    assert what_if(sampled, RetrievalParams(depth=2)).is_exact


class _BreaksAtLevel:
    def __init__(self, graph: MemoryGraph, level: int) -> None:
        self._graph, self._level = graph, level

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)

    def neighbours(self, *asked: Any) -> Any:
        self._level -= 1
        if self._level < 0:
            raise GraphUnavailableError("gone")
        return self._graph.neighbours(*asked)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_of_an_exploration_that_failed_half_way_the_levels_that_came_back_are_known(level: int) -> None:
    question = demo_questions()[0].embedding
    graph = MemoryGraph(demo_graph().concepts, demo_graph().relations)
    broken: Any = _BreaksAtLevel(graph, level)
    came_back: list[ExplorationResult] = []
    with pytest.raises(GraphUnavailableError):
        came_back.extend(explore_by_level(question, broken, RetrievalParams(depth=3)))
    exploration = recorded(came_back[-1], status="error", error_type="GraphUnavailableError")
    for depth in (1, 2, 3):
        answer = what_if(exploration, RetrievalParams(depth=depth))
        assert answer.is_exact is (depth <= level)
        if answer.is_exact:
            assert answer.hops == explore(question, graph, RetrievalParams(depth=depth)).hops


def test_an_exploration_that_never_began_is_never_exact() -> None:
    failed = recorded(explore(QUERY, scored({"a": 0.9}, [])), seeds=(), status="error")
    answer = what_if(failed, RetrievalParams(depth=1))
    assert (answer.is_exact, answer.hops) == (False, ())


def test_a_record_that_does_not_explain_itself_is_never_exact() -> None:
    graph = MemoryGraph(demo_graph().concepts, demo_graph().relations)
    whole = recorded(explore(demo_questions()[0].embedding, graph))
    cut_short = whole.model_copy(update={"hops": whole.hops[1:]})
    bounds_open = whole.model_copy(update={"retrieval_params": RetrievalParams(similarity_threshold=0.7)})
    unscored = whole.model_copy(
        update={"hops": (whole.hops[0].model_copy(update={"edge_similarity": None}), *whole.hops[1:])},
    )
    for flawed, why in (
        (cut_short, "do not lead to what it recorded"),
        (bounds_open, "depth and max_hops and beam_width and fan_out were not recorded"),
        (unscored, "scores were not recorded"),
    ):
        answer = what_if(flawed, RetrievalParams(similarity_threshold=0.8))
        assert not answer.is_exact
        assert why in (answer.why_not_exact or "")


def test_bounds_that_make_no_sense_and_other_seeds_are_refused() -> None:
    exploration = told(*DOCUMENTS_PATH)
    with pytest.raises(InvalidInputError, match="similarity_threshold from 0 to 1"):
        what_if(exploration, RetrievalParams(similarity_threshold=8))
    with pytest.raises(InvalidInputError, match="depth"):
        what_if(exploration, RetrievalParams(depth=0))
    with pytest.raises(InvalidInputError, match="same seeds"):
        what_if(exploration, RetrievalParams(seeds=2))


def test_a_sweep_answers_for_each_threshold() -> None:
    graph = MemoryGraph(demo_graph().concepts, demo_graph().relations)
    question = demo_questions()[0].embedding
    exploration = recorded(explore(question, graph, RetrievalParams(beam_width=1)))
    thresholds = (0.5, 0.7, 0.72, 0.8, 0.95)
    answers = sweep_thresholds(exploration, thresholds)
    assert [answer.params.similarity_threshold for answer in answers] == list(thresholds)
    for answer in answers:
        if answer.is_exact:
            assert answer.hops == explore(question, graph, answer.params).hops
    assert [len(answer.path) for answer in answers if answer.is_exact][-1] == 0


def test_seeds_stay_as_they_were() -> None:
    exploration = recorded(
        explore(QUERY, scored({"a": 0.9, "b": 0.8}, [("a", "포함", "b")]), start=["b", "a"]),
    )
    assert exploration.seeds == (
        Seed(node="a", similarity_score=0.9),
        Seed(node="b", similarity_score=0.8),
    )
    answer = what_if(exploration, RetrievalParams(similarity_threshold=0.75))
    assert answer.is_exact
    assert [hop.verdict for hop in answer.hops] == ["cycle", "cycle"]
