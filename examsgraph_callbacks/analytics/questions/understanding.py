"""What learners failed to understand: which concept a feedback is about, and what was said of each."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.analytics.sources import Tables

if TYPE_CHECKING:
    import ibis

__all__ = ["attributed", "failures_by_concept", "understanding_by_concept"]

_TELLING = ("concept", "trace_id", "session_id", "question_id", "written_at")
"""What tells the concept of a feedback."""

_QUESTION = ("session_id", "question_id")


def failures_by_concept(tables: Tables) -> "ibis.Table":
    """`concept` (null: nothing tells it) and its `failure_count`, the most first, ties by name."""
    failures = attributed(tables.feedback.filter(tables.feedback.failed).select(*_TELLING), tables)
    counted = failures.group_by("concept").aggregate(failure_count=failures.count())
    return counted.order_by([counted.failure_count.desc(), counted.concept.asc()])


def understanding_by_concept(tables: Tables) -> "ibis.Table":
    """`concept` (null: nothing tells it), `scores`, their mean `understanding`, and the `failures`."""
    feedback = tables.feedback
    judging = feedback.filter(feedback.failed | feedback.understanding_score.notnull())
    telling = attributed(judging.select(*_TELLING, "understanding_score", "failed"), tables)
    return telling.group_by("concept").aggregate(
        scores=telling.understanding_score.count(),
        understanding=telling.understanding_score.mean(),
        failures=telling.failed.cast("int64").sum(),
        feedbacks=telling.count(),
    )


def attributed(feedback: "ibis.Table", tables: Tables) -> "ibis.Table":
    """The same feedback with the `concept` that each is about: its own; else the wrong concept of its turn,
    else of the latest exploration of its question in its session before it; null where nothing tells.

    `feedback` has `_TELLING`, and what else is to be known: its rows may all be kept in memory.
    """  # noqa: D205
    import ibis

    of_turns = _concepts_of_turns(feedback.filter(feedback.concept.isnull()), tables)
    told = feedback.left_join(of_turns, feedback.trace_id == of_turns.of_turn)
    told = told.mutate(concept=ibis.coalesce(told.concept, told.turn_concept))
    # most know it by now: what is null here, nothing is looked for nor found by
    asked = {name: ibis.ifelse(told.concept.isnull(), told[name], None) for name in _QUESTION}
    told = told.select(
        *feedback.columns, asks_session=asked["session_id"], asks_question=asked["question_id"]
    )
    of_questions = _concepts_of_questions(told, tables)
    told = told.left_join(
        of_questions,
        [
            told.asks_session == of_questions.of_session,
            told.asks_question == of_questions.of_question,
            told.written_at >= of_questions.since,
            told.written_at < of_questions.until,
        ],
    )
    return told.mutate(concept=ibis.coalesce(told.concept, told.question_concept)).select(*feedback.columns)


def _concepts_of_turns(feedback: "ibis.Table", tables: Tables) -> "ibis.Table":
    """`of_turn` and the wrong `turn_concept` that its facts told last, of the turns that `feedback` names."""
    turns = tables.turns.filter(tables.turns.wrong_concept.notnull())
    asked = turns.semi_join(feedback.filter(feedback.trace_id.notnull()), "trace_id")
    return asked.group_by(of_turn="trace_id").aggregate(
        turn_concept=asked.wrong_concept.argmax(asked.written_at)
    )


def _concepts_of_questions(told: "ibis.Table", tables: Tables) -> "ibis.Table":
    """The wrong concept of a question in a session, `since` it was explored `until` it is again.

    Of those alone that `told` asks for.
    """
    import ibis

    explorations = tables.explorations.filter(tables.explorations.wrong_concept.notnull())
    asked = explorations.semi_join(
        told, [explorations.session_id == told.asks_session, explorations.question_id == told.asks_question]
    )
    order = ibis.window(group_by=_QUESTION, order_by=[asked.written_at, asked.position])
    return asked.select(
        of_session="session_id",
        of_question="question_id",
        question_concept="wrong_concept",
        since=asked.written_at,
        until=asked.written_at.lead().over(order).fill_null(ibis.timestamp("9999-01-01")),
    )
