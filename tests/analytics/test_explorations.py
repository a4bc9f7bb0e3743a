"""How deep the graph was walked, and which paths went astray."""

from typing import Any

import pytest

from examsgraph_callbacks.analytics import DeadEnd, ExplorationReport, report
from examsgraph_callbacks.events import Exploration, Hop, RetrievalParams, Seed
from examsgraph_callbacks.measure import Meter
from tests.analytics.facts import document_path, explored


def explorations(*facts: Exploration) -> ExplorationReport:
    return report(facts, Meter()).explorations


def hops(depth: int) -> tuple[Hop, ...]:
    return tuple(
        Hop(node=f"n{at}", relation="r", next_node=f"n{at + 1}", similarity_score=0.9, depth=at + 1)
        for at in range(depth)
    )


def test_the_strange_path_of_the_document_is_found() -> None:
    summary = explorations(explored(*document_path(), user_id="user_001", wrong_concept="정규화"))

    (stray,) = summary.strays
    assert (stray.question_id, stray.wrong_concept, stray.times) == ("q_001", "정규화", 1)
    assert stray.measured.anomalous_hops is not None
    assert [anomaly.hop.next_node for anomaly in stray.measured.anomalous_hops] == ["SQL 문법"]


def test_a_path_that_many_learners_were_led_along_is_told_once() -> None:
    summary = explorations(
        explored(*document_path(), user_id="user_002"),
        explored(*document_path(), user_id="user_001"),
        explored(*document_path(), user_id="user_001"),
        explored(*hops(1)),
    )

    (stray,) = summary.strays
    assert (stray.times, stray.user_ids) == (3, ("user_001", "user_002"))


def test_a_path_above_the_threshold_is_not_strange() -> None:
    assert explorations(explored(*document_path(), threshold=0.4)).strays == ()


def test_a_path_without_a_threshold_is_neither_strange_nor_fine() -> None:
    summary = explorations(explored(*document_path(), threshold=None))

    assert (summary.strays, summary.unjudged) == ((), 1)


@pytest.mark.parametrize(("depths", "average", "inefficient"), [((1, 2), 1.5, False), ((4, 6), 5.0, True)])
def test_an_average_of_five_hops_or_more_is_inefficient(
    depths: tuple[int, ...],
    average: float,
    inefficient: bool,
) -> None:
    summary = explorations(*(explored(*hops(depth)) for depth in depths))

    assert (summary.count, summary.average_depth) == (2, average)
    assert summary.is_inefficient is inefficient


def test_an_exploration_that_failed_half_way_says_nothing_of_depth() -> None:
    summary = explorations(explored(*hops(1)).model_copy(update={"status": "error"}))

    assert (summary.count, summary.average_depth) == (0, None)


def test_an_exploration_that_found_nothing_to_follow_is_counted_apart_and_in_no_average() -> None:
    rejected = Hop(
        node="n0", relation="r", next_node="aside", similarity_score=0.5, verdict="below_threshold"
    )
    summary = explorations(explored(*hops(3)), explored(), explored(rejected))

    assert (summary.count, summary.followed_nothing) == (3, 2)
    assert (summary.average_depth, summary.average_length) == (3.0, 3.0)


def test_where_nothing_was_followed_there_is_no_average() -> None:
    summary = explorations(explored())

    assert (summary.count, summary.followed_nothing) == (1, 1)
    assert (summary.average_depth, summary.average_length) == (None, None)
    assert not summary.is_inefficient


def test_the_average_length_counts_all_hops_of_a_path() -> None:
    branched = explored(*hops(2), Hop(node="n0", relation="r", next_node="aside", similarity_score=0.9))
    summary = explorations(branched, explored(*hops(1)))

    assert (summary.average_length, summary.average_depth) == (2.0, 1.5)


def test_strays_are_counted_by_the_relation_they_took_and_the_concept_they_came_to() -> None:
    first, second, stray = document_path()
    other = Hop(node="조인", relation="관련", next_node="뷰", similarity_score=0.9)
    summary = explorations(explored(first, second, stray), explored(first, other))

    assert (summary.hops, summary.stray_hops) == (5, 1)
    (relation,) = summary.stray_relations
    assert (relation.name, relation.hops, relation.strays, relation.rate) == ("관련", 2, 1, 0.5)
    assert [(each.name, each.hops, each.strays) for each in summary.stray_concepts] == [("SQL 문법", 1, 1)]


def test_hops_that_nothing_judged_are_in_no_rate() -> None:
    summary = explorations(explored(*document_path(), threshold=None))

    assert (summary.hops, summary.stray_hops, summary.stray_relations) == (0, 0, ())


def test_a_concept_that_many_questions_led_to_is_a_hub() -> None:
    summary = explorations(
        explored(*document_path(), question_id="q_001"),
        explored(*document_path()[:2], question_id="q_002"),
        explored(*document_path()[:2], question_id="q_002"),
        explored(*document_path()[:1], question_id="q_003"),
    )

    assert summary.questions == 3
    assert [(hub.concept, hub.questions, hub.explorations) for hub in summary.hubs] == [
        ("제1정규형", 3, 4),
        ("이상현상", 2, 3),
    ]


def walked(*hops: Hop, depth: int = 3, **about: Any) -> Exploration:
    params = RetrievalParams(depth=depth, similarity_threshold=0.7, max_hops=5, beam_width=2, fan_out=10)
    seeds = (Seed(node="정규화", similarity_score=0.9),)
    return explored(*hops).model_copy(update={"retrieval_params": params, "seeds": seeds, **about})


REACHED = Hop(node="정규화", relation="포함", next_node="제1정규형", similarity_score=0.9)


def rejected(verdict: str) -> Hop:
    return Hop.model_validate(
        {
            "node": "제1정규형",
            "relation": "관련",
            "next_node": "도메인",
            "similarity_score": 0.6,
            "depth": 2,
            "verdict": verdict,
        },
    )


def test_where_every_relation_leads_back_or_away_is_a_dead_end() -> None:
    back = walked(REACHED, rejected("cycle"), rejected("below_threshold"))
    assert [(end.concept, end.times, end.has_relations) for end in explorations(back, back).dead_ends] == [
        ("제1정규형", 2, True),
    ]


def test_a_concept_without_relations_is_a_dead_end_a_beginning_too() -> None:
    assert explorations(walked(REACHED)).dead_ends == (DeadEnd("제1정규형", 1, has_relations=False),)
    assert explorations(walked()).dead_ends == (DeadEnd("정규화", 1, has_relations=False),)


@pytest.mark.parametrize("verdict", ["beam", "fan_out", "max_hops"])
def test_a_concept_that_gave_way_to_better_hops_is_no_dead_end(verdict: str) -> None:
    assert explorations(walked(REACHED, rejected(verdict))).dead_ends == ()


@pytest.mark.parametrize("about", [{"source": "tap"}, {"source": "caller"}])
def test_where_only_the_followed_hops_are_known_no_end_is_called_dead(about: dict[str, Any]) -> None:
    assert explorations(walked(REACHED, **about)).dead_ends == ()


def test_the_end_of_the_depth_is_no_dead_end() -> None:
    assert explorations(walked(REACHED, depth=1)).dead_ends == ()
    full = walked(REACHED).model_copy(update={"retrieval_params": RetrievalParams(depth=3, max_hops=1)})
    assert explorations(full).dead_ends == ()
