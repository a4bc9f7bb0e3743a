"""Whether a concept is understood better since it has a resource."""

from datetime import timedelta

import pytest

from examsgraph_callbacks.analytics import RemediedConcept, Understanding, report
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.measure import Meter
from tests.analytics.facts import answered, feedback, resource
from tests.measure.facts import NEW_YEAR


def remedied(*facts: Fact) -> tuple[RemediedConcept, ...]:
    return report(facts, Meter()).feedback.remedied_concepts


def test_scores_before_and_after_the_first_resource_are_compared() -> None:
    (concept,) = remedied(
        feedback(concept="정규화", understanding_score=1),
        feedback(concept="정규화", understanding_score=2),
        feedback(concept="조인", understanding_score=5),
        resource(),
        feedback(concept="정규화", understanding_score=4),
        resource(url="https://youtu.be/2"),
        feedback(concept="정규화", understanding_score=5),
        feedback(concept="정규화", understanding_score=3),
    )
    assert (concept.before, concept.after) == (Understanding(2, 1.5), Understanding(3, 4.0))
    assert concept.since == NEW_YEAR + timedelta(days=1)
    assert concept.resources == (("video", 2),)


def test_a_score_finds_its_concept_through_its_turn_too() -> None:
    (concept,) = remedied(
        resource(),
        answered(trace_id="t", wrong_concept="정규화"),
        feedback(trace_id="t", understanding_score=4),
    )
    assert concept.after == Understanding(1, 4.0)


def test_a_reaction_without_a_score_says_nothing_of_understanding() -> None:
    (concept,) = remedied(feedback("thumbs_down", concept="정규화"), resource())
    assert (concept.before, concept.after) == (Understanding(0, None), Understanding(0, None))


def test_the_same_resource_counts_once() -> None:
    (concept,) = remedied(resource(), resource(), resource(url="https://img/1", kind="image"))
    assert concept.resources == (("video", 1), ("image", 1))


@pytest.mark.parametrize(("before", "after", "few"), [(10, 10, False), (9, 10, True), (10, 9, True)])
def test_few_scores_are_called_few(before: int, after: int, few: bool) -> None:
    score = feedback(concept="정규화", understanding_score=3)
    (concept,) = remedied(*[score] * before, resource(), *[score] * after)
    assert concept.has_few_scores is few


def test_without_resources_there_is_nothing_to_compare() -> None:
    assert remedied(feedback(concept="정규화", understanding_score=3)) == ()
