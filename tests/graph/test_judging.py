"""Which candidates are followed, and which reason is given where they are not."""

import random

import pytest

from examsgraph_callbacks.events import Hop, Seed
from examsgraph_callbacks.graph import Bounds, Candidate, best_seeds, judge_level

WIDE = Bounds(beam_width=10, max_hops=10)


def candidate(
    next_node: str, score: float, *, node: str = "a", relation: str = "포함", edge: float = 0.8
) -> Candidate:
    return Candidate(node, relation, next_node, similarity_score=score, edge_similarity=edge)


def judge(
    *candidates: Candidate,
    bounds: Bounds = WIDE,
    visited: tuple[str, ...] = ("a",),
    hops_left: int = 10,
) -> dict[str, str]:
    hops = judge_level(candidates, visited=visited, depth=1, hops_left=hops_left, bounds=bounds)
    return {f"{hop.node}-{hop.next_node}": hop.verdict for hop in hops}


def test_a_candidate_at_the_threshold_is_followed_and_one_below_it_is_not() -> None:
    assert judge(candidate("b", 0.7), candidate("c", 0.699999)) == {
        "a-b": "followed",
        "a-c": "below_threshold",
    }


def test_scores_are_compared_as_they_are_recorded() -> None:
    (hop,) = judge_level([candidate("b", 0.69999996)], visited=(), depth=1, hops_left=1, bounds=WIDE)
    assert (hop.similarity_score, hop.verdict) == (0.7, "followed")


def test_a_node_that_was_visited_is_a_cycle_however_good_or_bad_it_is() -> None:
    assert judge(candidate("b", 0.99), candidate("c", 0.1), visited=("a", "b", "c")) == {
        "a-b": "cycle",
        "a-c": "cycle",
    }


def test_of_two_relations_to_one_node_the_one_that_drifts_less_is_followed() -> None:
    assert judge(candidate("c", 0.9, node="a", edge=0.7), candidate("c", 0.9, node="b", edge=0.8)) == {
        "b-c": "followed",
        "a-c": "cycle",
    }


def test_beyond_a_nodes_fan_out_its_candidates_do_not_get_into_the_level() -> None:
    verdicts = judge(
        candidate("c", 0.9),
        candidate("d", 0.8),
        candidate("e", 0.75, node="b"),
        bounds=Bounds(fan_out=1, beam_width=10),
    )
    assert verdicts == {"a-c": "followed", "a-d": "fan_out", "b-e": "followed"}


def test_cycles_and_candidates_below_the_threshold_take_no_place_of_the_fan_out() -> None:
    verdicts = judge(
        candidate("visited", 0.95),
        candidate("b", 0.8),
        candidate("c", 0.2),
        visited=("a", "visited"),
        bounds=Bounds(fan_out=1),
    )
    assert verdicts == {"a-visited": "cycle", "a-b": "followed", "a-c": "below_threshold"}


def test_beyond_the_beam_a_level_follows_nothing() -> None:
    assert judge(
        candidate("b", 0.9), candidate("c", 0.8), candidate("d", 0.75), bounds=Bounds(beam_width=2)
    ) == {"a-b": "followed", "a-c": "followed", "a-d": "beam"}


def test_with_no_hops_left_the_rest_of_the_beam_is_cut_off() -> None:
    assert judge(candidate("b", 0.9), candidate("c", 0.8), hops_left=1) == {
        "a-b": "followed",
        "a-c": "max_hops",
    }


def test_what_is_beyond_the_beam_and_beyond_max_hops_is_beyond_the_beam() -> None:
    assert judge(candidate("b", 0.9), candidate("c", 0.8), hops_left=1, bounds=Bounds(beam_width=1)) == {
        "a-b": "followed",
        "a-c": "beam",
    }


def test_two_relations_to_a_node_beyond_the_beam_are_both_beyond_the_beam() -> None:
    assert judge(
        candidate("c", 0.9, node="a"),
        candidate("d", 0.8, node="a"),
        candidate("d", 0.8, node="b"),
        bounds=Bounds(beam_width=1),
    ) == {"a-c": "followed", "a-d": "beam", "b-d": "beam"}


def test_ties_are_broken_by_name_then_by_relation_whatever_order_they_come_in() -> None:
    tied = [
        candidate("나", 0.8),
        candidate("가", 0.80000004, relation="해결"),
        candidate("가", 0.8, relation="관련"),
        candidate("다", 0.8, node="b"),
        candidate("다", 0.8, node="a"),
    ]
    expected = [("가", "관련"), ("가", "해결"), ("나", "포함"), ("다", "포함"), ("다", "포함")]
    for seed in range(20):
        random.Random(seed).shuffle(tied)
        hops = judge_level(tied, visited=(), depth=1, hops_left=10, bounds=WIDE)
        assert [(hop.next_node, hop.relation) for hop in hops] == expected
        assert [hop.node for hop in hops][-2:] == ["a", "b"]


def test_a_judged_hop_carries_all_that_its_candidate_said() -> None:
    incoming = Candidate("b", "포함", "a", 0.91234567, 0.81234567, "in")
    (hop,) = judge_level([incoming], visited=("b",), depth=3, hops_left=1, bounds=WIDE)
    assert hop == Hop(
        node="b",
        relation="포함",
        next_node="a",
        similarity_score=0.912346,
        edge_similarity=0.812346,
        cosine=0.824692,
        direction="in",
        depth=3,
        verdict="followed",
    )


def test_the_best_seeds_are_chosen_by_score_and_then_by_name() -> None:
    seeds = [
        Seed(node=name, similarity_score=score)
        for name, score in (("나", 0.8), ("가", 0.80000004), ("다", 0.9), ("라", 0.1))
    ]
    assert [seed.node for seed in best_seeds(seeds, 3)] == ["다", "가", "나"]
    assert [seed.node for seed in best_seeds(reversed(seeds), 3)] == ["다", "가", "나"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"similarity_threshold": -0.2}, "similarity_threshold from 0 to 1, got -0.2"),
        ({"similarity_threshold": float("nan")}, "got nan"),
        ({"depth": 0}, "depth to be a whole number of at least 1, got 0"),
        ({"beam_width": -1}, "beam_width .* got -1"),
        ({"seeds": 1.5}, "seeds .* got 1.5"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Bounds(**wrong)  # type: ignore[arg-type]
