"""The concepts that learners fail to understand, and how a failure finds its concept."""

from examsgraph_callbacks.analytics import FailedConcept, FeedbackReport, report
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.measure import Meter
from tests.analytics.facts import answered, document_path, explored, feedback


def summed_up(*facts: Fact) -> FeedbackReport:
    return report(facts, Meter()).feedback


def concepts(*facts: Fact) -> list[tuple[str, int]]:
    return [(failed.concept, failed.failure_count) for failed in summed_up(*facts).failed_concepts]


def test_a_failure_is_a_thumb_down_or_a_score_of_two_or_less_and_counts_once() -> None:
    summary = summed_up(
        feedback("thumbs_down", understanding_score=1, concept="정규화"),
        feedback("thumbs_down", understanding_score=5, concept="정규화"),
        feedback("thumbs_up", understanding_score=2, concept="정규화"),
        feedback("followup_question", understanding_score=3, concept="정규화"),
        feedback("thumbs_up", concept="정규화"),
    )

    assert summary.failed_concepts == (FailedConcept("정규화", 3),)
    assert (summary.count, summary.failures) == (5, 3)
    assert dict(summary.types) == {"thumbs_down": 2, "thumbs_up": 2, "followup_question": 1}
    assert summary.average_understanding == (1 + 5 + 2 + 3) / 4


def test_its_own_concept_goes_before_its_turns() -> None:
    assert concepts(
        answered(trace_id="t", wrong_concept="BCNF"),
        feedback(trace_id="t", concept="조인"),
        feedback(trace_id="t", wrong_concept="뷰"),
    ) == [("뷰", 1), ("조인", 1)]


def test_its_turns_concept_goes_before_its_questions() -> None:
    assert concepts(
        explored(*document_path(), wrong_concept="정규화"),
        answered(trace_id="t", wrong_concept="BCNF"),
        feedback(trace_id="t"),
    ) == [("BCNF", 1)]


def test_without_a_turn_the_questions_latest_exploration_in_the_session_tells() -> None:
    assert concepts(
        explored(wrong_concept="정규화"),
        explored(wrong_concept="이상현상"),
        explored(wrong_concept="조인", session_id="session_2"),
        explored(wrong_concept="뷰", question_id="q_002"),
        feedback(),
    ) == [("이상현상", 1)]


def test_a_failure_that_nothing_explains_is_counted_apart() -> None:
    summary = summed_up(feedback(session_id=None, question_id=None), feedback(concept="정규화"))

    assert summary.failed_concepts == (FailedConcept("정규화", 1),)
    assert (summary.failures, summary.unattributed_failures) == (2, 1)


def test_the_most_failed_concept_comes_first_and_ties_go_by_name() -> None:
    failed = ["조인", "BCNF", "정규화", "이상현상", "정규화"]

    assert concepts(*(feedback(concept=concept) for concept in failed)) == [
        ("정규화", 2),
        ("BCNF", 1),
        ("이상현상", 1),
        ("조인", 1),
    ]


def test_without_scores_there_is_no_average() -> None:
    assert summed_up(feedback()).average_understanding is None
