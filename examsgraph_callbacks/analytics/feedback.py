"""What learners said of the explanations, which concepts they failed to understand, and what helped."""

from collections import Counter
from dataclasses import dataclass

from examsgraph_callbacks.analytics.remedies import RemediedConcept, RemedyTally
from examsgraph_callbacks.events import ConceptResource, Exploration, Fact, Feedback, FeedbackType

__all__ = ["FAILING_SCORE", "FailedConcept", "FeedbackReport", "FeedbackTally", "is_failure", "own_concept"]

FAILING_SCORE = 2
"""An `understanding_score` up to this counts as not understood (the product's document, alerts)."""


def is_failure(feedback: Feedback) -> bool:
    """Whether the explanation failed: a `thumbs_down`, or an understanding of `FAILING_SCORE` or less."""
    score = feedback.understanding_score
    return feedback.feedback_type == "thumbs_down" or (score is not None and score <= FAILING_SCORE)


def own_concept(feedback: Feedback) -> str | None:
    """The concept that the feedback itself names; where it names none, that of its turn goes for it."""
    return feedback.concept or feedback.wrong_concept


@dataclass(frozen=True, slots=True)
class FailedConcept:
    """A concept and how often its explanation failed."""

    concept: str
    failure_count: int


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """What all feedback amounts to.

    `is_failure` says what a failure is. `failed_concepts` come by falling count, ties by name;
    `unattributed_failures` are those whose concept nothing tells. `average_understanding` (1 to 5) is
    None where no score was given. `remedied_concepts` got resources.
    """

    count: int
    types: tuple[tuple[FeedbackType, int], ...]
    failures: int
    unattributed_failures: int
    failed_concepts: tuple[FailedConcept, ...]
    average_understanding: float | None
    remedied_concepts: tuple[RemediedConcept, ...] = ()


class FeedbackTally:
    """Takes every fact in order: the feedback, and what tells the concept that a feedback is about."""

    def __init__(self) -> None:
        self._types: Counter[FeedbackType] = Counter()
        self._scores: list[int] = []
        self._failed: Counter[str] = Counter()
        self._unattributed = 0
        self._remedies = RemedyTally()
        self._concept_of_turn: dict[str, str] = {}
        self._concept_of_question: dict[tuple[str, str], str] = {}

    def add(self, fact: Fact) -> None:
        """Take one more fact."""
        if isinstance(fact, Feedback):
            self._add_feedback(fact)
            return
        if isinstance(fact, ConceptResource):
            self._remedies.add_resource(fact)
        concept = fact.wrong_concept
        if concept is None:
            return
        if fact.trace_id is not None:
            self._concept_of_turn[fact.trace_id] = concept
        if isinstance(fact, Exploration) and fact.session_id is not None and fact.question_id is not None:
            self._concept_of_question[fact.session_id, fact.question_id] = concept

    def report(self) -> FeedbackReport:
        """What the feedback so far amounts to."""
        failed = [FailedConcept(concept, count) for concept, count in self._failed.items()]
        return FeedbackReport(
            count=self._types.total(),
            types=tuple(self._types.most_common()),
            failures=self._failed.total() + self._unattributed,
            unattributed_failures=self._unattributed,
            failed_concepts=tuple(sorted(failed, key=lambda each: (-each.failure_count, each.concept))),
            average_understanding=sum(self._scores) / len(self._scores) if self._scores else None,
            remedied_concepts=self._remedies.report(),
        )

    def _add_feedback(self, feedback: Feedback) -> None:
        score, concept = feedback.understanding_score, self.concept_of(feedback)
        self._types[feedback.feedback_type] += 1
        if score is not None:
            self._scores.append(score)
            if concept is not None:
                self._remedies.add_score(concept, score)
        if is_failure(feedback):
            if concept is None:
                self._unattributed += 1
            else:
                self._failed[concept] += 1

    def concept_of(self, feedback: Feedback) -> str | None:
        """Its own concept, else its turn's, else that of the question's latest exploration in its session."""
        of_turn = self._concept_of_turn.get(feedback.trace_id or "")
        of_question = self._concept_of_question.get((feedback.session_id or "", feedback.question_id or ""))
        return own_concept(feedback) or of_turn or of_question
