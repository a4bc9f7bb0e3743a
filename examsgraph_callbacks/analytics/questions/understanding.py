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
    own = feedback.filter(feedback.concept.notnull())
    silent = feedback.filter(feedback.concept.isnull()).drop("concept")
    by_turn = silent.left_join(_concepts_of_turns(silent, tables), "trace_id").drop("trace_id_right")
    known = by_turn.filter(by_turn.concept.notnull())
    unknown = by_turn.filter(by_turn.concept.isnull()).drop("concept")
    told = _concepts_of_questions(unknown, tables)
    by_question = unknown.left_join(
        told,
        [
            unknown.session_id == told.session_id,
            unknown.question_id == told.question_id,
            unknown.written_at >= told.since,
            unknown.written_at < told.until,
        ],
    )
    columns = feedback.columns
    return own.union(known.select(columns)).union(by_question.select(columns))


def _concepts_of_turns(feedback: "ibis.Table", tables: Tables) -> "ibis.Table":
    """`trace_id` and the wrong `concept` that its facts told last, of the turns that `feedback` names."""
    turns = tables.turns.filter(tables.turns.wrong_concept.notnull())
    asked = turns.semi_join(feedback.filter(feedback.trace_id.notnull()), "trace_id")
    return asked.group_by("trace_id").aggregate(concept=asked.wrong_concept.argmax(asked.written_at))


def _concepts_of_questions(feedback: "ibis.Table", tables: Tables) -> "ibis.Table":
    """The wrong `concept` of a question in a session, `since` it was explored `until` it is again."""
    import ibis

    explorations = tables.explorations
    telling = explorations.filter(
        explorations.wrong_concept.notnull(),
        explorations.session_id.notnull(),
        explorations.question_id.notnull(),
    )
    asked = telling.semi_join(feedback, ["session_id", "question_id"])
    order = ibis.window(group_by=["session_id", "question_id"], order_by=[asked.written_at, asked.position])
    return asked.select(
        "session_id",
        "question_id",
        concept=asked.wrong_concept,
        since=asked.written_at,
        until=asked.written_at.lead().over(order).fill_null(ibis.timestamp("9999-01-01")),
    )
