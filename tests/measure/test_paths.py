"""Paths: their length and depth, and which hops leave the question or drift."""

from examsgraph_callbacks.events import Hop, RetrievalParams, Seed
from examsgraph_callbacks.measure import AnomalousHop, frontiers, measure_path
from tests.measure.facts import exploration

FIRST = Hop(node="정규화", relation="포함", next_node="제1정규형", similarity_score=0.92)
SECOND = Hop(node="제1정규형", relation="해결", next_node="이상현상", similarity_score=0.85, depth=2)
STRAY = Hop(node="이상현상", relation="관련", next_node="SQL 문법", similarity_score=0.45, depth=3)
LEFT_ASIDE = Hop(
    node="이상현상",
    relation="관련",
    next_node="조인",
    similarity_score=0.31,
    depth=4,
    verdict="below_threshold",
)


def test_the_documents_stray_hop_is_found() -> None:
    measured = measure_path(exploration(FIRST, SECOND, STRAY, threshold=0.7))
    assert measured.path == (FIRST, SECOND, STRAY)
    assert (measured.path_length, measured.exploration_depth, measured.min_similarity) == (3, 3, 0.45)
    assert measured.anomalous_hops == (AnomalousHop(STRAY, ("leaves the question",)),)


def test_only_followed_hops_are_of_the_path() -> None:
    measured = measure_path(exploration(FIRST, LEFT_ASIDE, threshold=0.7))
    assert measured.path == (FIRST,)
    assert (measured.path_length, measured.exploration_depth, measured.min_similarity) == (1, 1, 0.92)
    assert measured.anomalous_hops == ()


def test_a_path_can_be_judged_by_another_threshold() -> None:
    measured = measure_path(exploration(FIRST, SECOND, threshold=0.7), similarity_threshold=0.9)
    assert measured.similarity_threshold == 0.9
    assert measured.anomalous_hops == (AnomalousHop(SECOND, ("leaves the question",)),)


def test_a_threshold_of_zero_is_a_threshold() -> None:
    measured = measure_path(exploration(STRAY, threshold=0.7), similarity_threshold=0.0)
    assert measured.anomalous_hops == ()


def test_a_hop_on_the_threshold_is_not_anomalous() -> None:
    assert measure_path(exploration(SECOND, threshold=0.85)).anomalous_hops == ()


def test_a_hop_that_is_near_the_question_can_still_drift_from_its_node() -> None:
    drifting = SECOND.model_copy(update={"edge_similarity": 0.6})
    lost = STRAY.model_copy(update={"edge_similarity": 0.67})
    near = FIRST.model_copy(update={"edge_similarity": 0.84})
    measured = measure_path(exploration(near, drifting, lost, threshold=0.7))
    assert measured.anomalous_hops == (
        AnomalousHop(drifting, ("drifts from 제1정규형",)),
        AnomalousHop(lost, ("leaves the question", "drifts from 이상현상")),
    )


def test_without_a_threshold_no_hop_is_judged_and_that_is_said() -> None:
    measured = measure_path(exploration(FIRST, STRAY))
    assert measured.similarity_threshold is None
    assert measured.anomalous_hops is None


def test_an_exploration_that_followed_nothing_has_no_path() -> None:
    measured = measure_path(exploration(LEFT_ASIDE, threshold=0.7))
    assert (measured.path, measured.path_length, measured.exploration_depth) == ((), 0, 0)
    assert measured.min_similarity is None


def test_the_levels_that_were_looked_at_are_those_that_the_bounds_let_it_reach() -> None:
    known = RetrievalParams(depth=2, max_hops=5)
    seeds = (Seed(node="정규화", similarity_score=0.9),)
    walked = exploration(FIRST, SECOND).model_copy(update={"retrieval_params": known, "seeds": seeds})
    assert frontiers(walked) == (("정규화",), ("제1정규형",))
    deeper = walked.model_copy(update={"retrieval_params": RetrievalParams(depth=4, max_hops=5)})
    # the last concept was looked at too, and had no relations
    assert frontiers(deeper) == (("정규화",), ("제1정규형",), ("이상현상",))
    full = walked.model_copy(update={"retrieval_params": RetrievalParams(depth=4, max_hops=2)})
    assert frontiers(full) == (("정규화",), ("제1정규형",))


def test_of_an_exploration_that_failed_the_levels_with_hops_are_known() -> None:
    known = RetrievalParams(depth=4, max_hops=5)
    seeds = (Seed(node="정규화", similarity_score=0.9),)
    failed = {"retrieval_params": known, "seeds": seeds, "status": "error"}
    assert frontiers(exploration(FIRST, SECOND).model_copy(update=failed)) == (("정규화",), ("제1정규형",))
    assert frontiers(exploration().model_copy(update=failed)) == ()


def test_of_a_path_that_was_told_nobody_knows_what_was_looked_at() -> None:
    for source in ("tap", "caller"):
        assert frontiers(exploration(FIRST, SECOND).model_copy(update={"source": source})) == ()
