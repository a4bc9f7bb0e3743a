"""What learners failed to understand: which concept a feedback is about, and what was said of each."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["attributed", "failures_by_concept", "understanding_by_concept"]


def failures_by_concept(tables: Tables) -> "ibis.Table":
    """`concept` (null: nothing tells it) and its `failure_count`, the most first, ties by name."""
    failures = attributed(tables.feedback.filter(tables.feedback.failed), tables)
    counted = failures.group_by("concept").aggregate(failure_count=failures.count())
    return counted.order_by([counted.failure_count.desc(), counted.concept.asc()])


def understanding_by_concept(tables: Tables) -> "ibis.Table":
    """`concept` (null: nothing tells it), `scores`, their mean `understanding`, and the `failures`."""
    feedback = tables.feedback
    telling = attributed(feedback.filter(feedback.failed | feedback.understanding_score.notnull()), tables)
    return telling.group_by("concept").aggregate(
        scores=telling.understanding_score.count(),
        understanding=telling.understanding_score.mean(),
        failures=telling.failed.cast("int64").sum(),
        feedbacks=telling.count(),
    )


def attributed(feedback: "ibis.Table", tables: Tables) -> "ibis.Table":
    """The same feedback with the `concept` that each is about: its own; else the wrong concept of its turn,
    else of the latest exploration of its question in its session before it; null where nothing tells.
    """  # noqa: D205
    import ibis

    silent = feedback.filter(feedback.concept.isnull())
    of_turns, of_questions = _concepts_of_turns(silent, tables), _concepts_of_questions(silent, tables)
    told = feedback.left_join(of_turns, feedback.trace_id == of_turns.of_turn)
    told = told.left_join(
        of_questions,
        [
            told.session_id == of_questions.of_session,
            told.question_id == of_questions.of_question,
            told.written_at >= of_questions.since,
            told.written_at < of_questions.until,
        ],
    )
    return told.mutate(concept=ibis.coalesce(told.concept, told.turn_concept, told.question_concept))


def _concepts_of_turns(feedback: "ibis.Table", tables: Tables) -> "ibis.Table":
    """`of_turn` and the wrong `turn_concept` that its facts told last, of the turns that `feedback` names."""
    turns = tables.turns.filter(tables.turns.wrong_concept.notnull())
    asked = turns.semi_join(feedback.filter(feedback.trace_id.notnull()), "trace_id")
    return asked.group_by(of_turn="trace_id").aggregate(
        turn_concept=asked.wrong_concept.argmax(asked.written_at)
    )


def _concepts_of_questions(feedback: "ibis.Table", tables: Tables) -> "ibis.Table":
    """The wrong concept of a question in a session, `since` it was explored `until` it is again."""
    import ibis

    explorations = tables.explorations.filter(tables.explorations.wrong_concept.notnull())
    asked = explorations.semi_join(feedback, ["session_id", "question_id"])
    order = ibis.window(group_by=["session_id", "question_id"], order_by=[asked.written_at, asked.position])
    return asked.select(
        of_session="session_id",
        of_question="question_id",
        question_concept="wrong_concept",
        since=asked.written_at,
        until=asked.written_at.lead().over(order).fill_null(ibis.timestamp("9999-01-01")),
    )
