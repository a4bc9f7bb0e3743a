"""What the application itself has to tell: a learner's reaction, which no callback can see."""

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

from examsgraph_callbacks.capture import Clock, Privacy
from examsgraph_callbacks.capture.context import ambient_context, checked
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import ConceptResource, Feedback, FeedbackType, ResourceKind
from examsgraph_callbacks.journal import Journal

__all__ = ["Tracker"]

FEEDBACK_TYPES: tuple[FeedbackType, ...] = get_args(FeedbackType)
RESOURCE_KINDS: tuple[ResourceKind, ...] = get_args(ResourceKind)


class Tracker:
    """Writes what the application reports to a journal, at once.

    `journal` is a `Journal`, its path, or None for the configured place; `clock` hands out times and
    ids. Raises `InvalidInputError` where the journal's place is a file.
    """

    def __init__(self, journal: Journal | str | Path | None = None, clock: Clock | None = None) -> None:
        self.journal = journal if isinstance(journal, Journal) else Journal(journal)
        self._clock = clock or Clock()
        self._privacy = Privacy.configured()

    def log_user_feedback(
        self,
        *,
        session_id: str | None = None,
        user_id: str | None = None,
        question_id: str | None = None,
        ai_explanation: str | None = None,
        feedback_type: str | None = None,
        user_feedback: str | None = None,
        followup_text: str | None = None,
        understanding_score: int | None = None,
        concept: str | None = None,
        trace_id: str | UUID | None = None,
    ) -> str:
        """Record what a learner said of one explanation; returns the fact's `event_id`.

        `feedback_type`, or `user_feedback` (the same under its other name), is `thumbs_up`,
        `thumbs_down` or `followup_question`; `understanding_score` runs from 1 (not at all) to 5
        (completely). `trace_id` is the turn that explained: LangChain's root run id, as UUID or hex.
        What is not passed comes from the surrounding `tutoring()` block. Raises `InvalidInputError`,
        naming the field, and records nothing, where a value is of another kind.
        """
        about = checked({"session_id": session_id, "user_id": user_id, "question_id": question_id})
        said = checked(
            {"ai_explanation": ai_explanation, "followup_text": followup_text, "concept": concept},
        )
        fields: dict[str, object] = {
            **ambient_context(),
            **about,
            **said,
            "event_id": self._clock.new_id(),
            "started_at": datetime.fromtimestamp(self._clock.wall_ns() / 1e9, UTC),
            "trace_id": _trace_id(trace_id),
            "feedback_type": _feedback_type(feedback_type, user_feedback),
            "understanding_score": _understanding_score(understanding_score),
        }
        feedback = Feedback.model_validate(fields)
        self.journal.write(self._privacy.recorded(feedback))
        return feedback.event_id

    def log_concept_resource(
        self, *, concept: str, kind: ResourceKind, url: str, title: str | None = None
    ) -> str:
        """Record that `concept` has a resource from now on; returns the fact's `event_id`.

        `examsgraph concept add-resource` calls this; so may whoever adds resources by other means. The
        report compares how well the concept was understood before and after. Raises `InvalidInputError`,
        naming the field, and records nothing, where a value is of another kind.
        """
        said = checked({"concept": concept, "url": url, "title": title})
        if kind not in RESOURCE_KINDS:
            raise InvalidInputError(f"expected kind to be one of {', '.join(RESOURCE_KINDS)}, got {kind!r}")
        resource = ConceptResource.model_validate(
            {
                **said,
                "resource_kind": kind,
                "event_id": self._clock.new_id(),
                "started_at": datetime.fromtimestamp(self._clock.wall_ns() / 1e9, UTC),
            },
        )
        self.journal.write(self._privacy.recorded(resource))
        return resource.event_id


def _feedback_type(feedback_type: str | None, user_feedback: str | None) -> str:
    if feedback_type is not None and user_feedback is not None and feedback_type != user_feedback:
        raise InvalidInputError(
            "expected one value for feedback_type and user_feedback, which are two names of one field, "
            f"got {feedback_type!r} and {user_feedback!r}: pass only one of them",
        )
    field = "user_feedback" if feedback_type is None and user_feedback is not None else "feedback_type"
    value = user_feedback if feedback_type is None else feedback_type
    if value not in FEEDBACK_TYPES:
        came = "nothing" if value is None else repr(value)
        raise InvalidInputError(f"expected {field} to be one of {', '.join(FEEDBACK_TYPES)}, got {came}")
    return value


def _understanding_score(score: object) -> int | None:
    # True is an int to Python, and no score
    if score is None or (isinstance(score, int) and not isinstance(score, bool) and 1 <= score <= 5):
        return score
    raise InvalidInputError(
        "expected understanding_score to be a whole number from 1 (not understood at all) "
        f"to 5 (understood completely), got {score!r}",
    )


def _trace_id(trace_id: object) -> str | None:
    if trace_id is None:
        return None
    try:
        return UUID(str(trace_id)).hex
    except ValueError:
        raise InvalidInputError(
            f"expected trace_id to be a UUID or 32 hexadecimal digits, got {trace_id!r}",
        ) from None
