"""Feedback as MLflow's assessments on the trace of its turn, each with an id of its own that comes once."""

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from examsgraph_callbacks.deliver.answers import is_unavailable, status_of
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.repeating import repeated
from examsgraph_callbacks.deliver.runs import milliseconds
from examsgraph_callbacks.events import Feedback

if TYPE_CHECKING:
    from mlflow.entities import Assessment

__all__ = ["SATISFACTION", "AssessmentWriter", "assessed", "assessments"]

SATISFACTION = {"thumbs_up": 1, "thumbs_down": 0}
"""1 for a thumb up, 0 for a thumb down; a follow-up question says neither, and has none."""


class AssessmentWriter:
    """Logs feedback on traces; raises MLflow's own error where it cannot be reached."""

    def __init__(self, destination: Destination) -> None:
        from mlflow.tracing.client import TracingClient

        self._client = TracingClient(destination.uri)

    def write(self, feedback: Feedback, trace_id: str) -> None:
        """Log what the feedback says on a trace; doing it again changes nothing.

        A trace that was deleted meanwhile takes nothing.
        """
        from mlflow.exceptions import MlflowException

        for assessment in assessments(feedback):
            try:
                repeated(partial(self._write, trace_id, assessment))
            except MlflowException as error:
                if status_of(error) == 404:
                    return
                raise

    def _write(self, trace_id: str, assessment: "Assessment") -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.log_assessment(trace_id, assessment)
        except MlflowException as error:
            # MLflow takes no id twice, but says only that something went wrong
            if is_unavailable(error) or not self._is_there(trace_id, str(assessment.assessment_id)):
                raise

    def _is_there(self, trace_id: str, assessment_id: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            repeated(lambda: self._client.get_assessment(trace_id, assessment_id))
        except MlflowException as error:
            if status_of(error) == 404:
                return False
            raise
        return True


def assessed(feedback: Feedback) -> dict[str, float | str]:
    """What a feedback says, by the names of its figures.

    `satisfaction` is 1 or 0, `understanding_score` 1 to 5, each where it is known: numbers, of which
    MLflow's Quality page shows the average. Where neither is, `feedback_type` is all that there is to say.
    """
    figures = {
        "satisfaction": SATISFACTION.get(feedback.feedback_type),
        "understanding_score": feedback.understanding_score,
    }
    # as floats, which both a server and a database keep as they are
    known: dict[str, float | str] = {
        name: float(value) for name, value in figures.items() if value is not None
    }
    return known or {"feedback_type": feedback.feedback_type}


def assessments(feedback: Feedback) -> list["Assessment"]:
    """The feedback as a person's assessments, with ids made of its own, at the time when it was given."""
    from mlflow.entities import AssessmentSource
    from mlflow.entities import Feedback as MlflowFeedback

    given_ms = milliseconds(feedback.started_at)
    source = AssessmentSource("HUMAN", feedback.user_id or feedback.session_id or "learner")
    made: list[Assessment] = []
    for name, value in assessed(feedback).items():
        assessment = MlflowFeedback(
            name=name,
            value=value,
            source=source,
            rationale=feedback.followup_text,
            metadata={"examsgraph.event_id": feedback.event_id},
            create_time_ms=given_ms,
            last_update_time_ms=given_ms,
        )
        assessment.assessment_id = f"a-{_digest(f'{feedback.event_id}/{name}')}"
        made.append(assessment)
    return made


def _digest(key: str) -> str:
    return hashlib.blake2s(key.encode(), digest_size=16).hexdigest()
