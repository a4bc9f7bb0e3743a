"""How deep the graph was walked, and which paths went astray."""

import pytest

from examsgraph_callbacks.analytics import ExplorationReport, report
from examsgraph_callbacks.events import Exploration, Hop
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
