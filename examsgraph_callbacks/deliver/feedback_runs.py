"""Writes feedback to MLflow: a run of `User_Feedback` each, and an assessment on the trace of its turn."""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics import is_failure, own_concept
from examsgraph_callbacks.deliver.arrived_turns import ArrivedTurn, ArrivedTurns
from examsgraph_callbacks.deliver.assessments import SATISFACTION, AssessmentWriter
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.runs import (
    RunContent,
    RunWriter,
    is_deleted,
    is_half_written,
    reaching,
)
from examsgraph_callbacks.events import Fact, Feedback

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["FEEDBACK_EXPERIMENT", "FeedbackRunWriter", "feedback_run"]

FEEDBACK_EXPERIMENT = "User_Feedback"
"""The MLflow experiment of the learners' feedback."""


class FeedbackRunWriter:
    """Writes feedback into the experiment `User_Feedback`, and onto the trace of the turn that it is about.

    That is the turn that it names, else the latest one on its question in its session (else of its user)
    that began before it; `is_early` says of a feedback whether such a turn may still be on its way to
    MLflow. The run is written at once; once the turn has arrived the run's tag `trace_id` says which it
    is, and the trace has the assessment. Raises `DeliveryError` where MLflow cannot be reached.
    """

    def __init__(
        self,
        destination: Destination,
        dead_letters: DeadLetters,
        is_early: Callable[[Fact], bool],
    ) -> None:
        self.runs = RunWriter(destination, FEEDBACK_EXPERIMENT, dead_letters)
        self._destination = destination
        self._turns = ArrivedTurns(destination)
        self._assessments = AssessmentWriter(destination)
        self._is_early = is_early

    def write(self, facts: Iterable[Fact]) -> Sequence[Fact]:
        """Write what is new of the feedback among `facts`; returns those whose turn has not arrived."""
        feedback = self.runs.in_time(fact for fact in facts if isinstance(fact, Feedback))
        if not feedback:
            return ()
        with reaching(self._destination):
            known = self.runs.known(each.started_at for each in feedback)
            unsettled = [each for each in feedback if not _is_settled(known.get(each.event_id))]
            turns = self._turns_of(unsettled, known)
            turnless = [each for each in unsettled if each.event_id not in turns]
            whole = [each for each in turnless if _is_whole(known.get(each.event_id))]
            written = self.runs.write_each(
                [each for each in unsettled if each not in whole],
                partial(self._write, known=known, turns=turns),
                lambda each: [each],
            )
        return [each for each in turnless if (each in whole or each in written) and _may_have_a_turn(each)]

    def _write(
        self, feedback: Feedback, known: MutableMapping[str, "Run"], turns: Mapping[str, ArrivedTurn]
    ) -> "Run":
        turn = turns.get(feedback.event_id)

        def assess(_run: "Run") -> None:
            if turn is not None:
                self._assessments.write(feedback, turn.trace_id)

        return self.runs.put(feedback_run(feedback, turn), known, assess)

    def _turns_of(self, feedback: Iterable[Feedback], known: Mapping[str, "Run"]) -> dict[str, ArrivedTurn]:
        """The turns that have arrived, by the event ids of their feedback.

        What a run was once said to be about, it stays about, whichever turns arrive later.
        """
        turns: dict[str, ArrivedTurn] = {}
        naming: dict[str, str] = {}
        for each in feedback:
            run = known.get(each.event_id)
            if run is not None and "trace_id" in run.data.tags:
                turns[each.event_id] = ArrivedTurn(run.data.tags["trace_id"], run.data.tags.get("concept"))
            elif each.trace_id is not None:
                naming[each.event_id] = each.trace_id
            elif not self._is_early(each) and (turn := self._turns.latest(each)) is not None:
                turns[each.event_id] = turn
        arrived = self._turns.by_id(naming.values())
        turns.update((event_id, arrived[name]) for event_id, name in naming.items() if name in arrived)
        return turns


def feedback_run(feedback: Feedback, turn: ArrivedTurn | None = None) -> RunContent:
    """The run of a feedback, and of its turn where that has arrived.

    `satisfaction` is 1 for a thumb up and 0 for a thumb down; a follow-up question says neither and has
    none. Its `concept` is its own, else its turn's. `status` is `review_needed` where the explanation
    failed (see `is_failure`), else `ok`.
    """
    concept = own_concept(feedback) or (turn.wrong_concept if turn else None)
    return RunContent(
        fact=feedback,
        key=feedback.event_id,
        name=concept or feedback.question_id or feedback.feedback_type,
        started_at=feedback.started_at,
        ended_at=feedback.started_at,
        tags={
            "feedback_type": feedback.feedback_type,
            "concept": concept,
            "question_id": feedback.question_id,
            "user_id": feedback.user_id,
            "session_id": feedback.session_id,
            "status": "review_needed" if is_failure(feedback) else "ok",
            "trace_id": None if turn is None else turn.trace_id,
        },
        metrics={
            "satisfaction": SATISFACTION.get(feedback.feedback_type),
            "understanding_score": feedback.understanding_score,
        },
        texts={
            "followup_text.txt": feedback.followup_text,
            "ai_explanation.txt": feedback.ai_explanation,
        },
    )


def _is_whole(run: "Run | None") -> bool:
    return run is not None and not is_half_written(run)


def _is_settled(run: "Run | None") -> bool:
    """Whether nothing is left to be done: the run is whole and knows its turn, or was deleted."""
    return run is not None and (is_deleted(run) or (_is_whole(run) and "trace_id" in run.data.tags))


def _may_have_a_turn(feedback: Feedback) -> bool:
    return feedback.trace_id is not None or ArrivedTurns.may_know(feedback)
