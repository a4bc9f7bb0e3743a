"""The tables narrowed to one user, to one model, or to what concerns one concept."""

from dataclasses import replace

from examsgraph_callbacks.analytics.questions.understanding import attributed
from examsgraph_callbacks.analytics.sources import Tables

__all__ = ["about_concept", "of_model", "of_user"]


def of_user(tables: Tables, user_id: str) -> Tables:
    """What one user did and said; what tells of turns stays as it is."""
    narrowed = ("calls", "feedback", "explorations", "hops", "dead_ends")
    return replace(
        tables,
        **{name: getattr(tables, name).filter(getattr(tables, name).user_id == user_id) for name in narrowed},
    )


def about_concept(tables: Tables, concept: str) -> Tables:
    """The feedback on `concept`, the explorations from it, and the calls of turns in which it was wrong."""
    feedback = attributed(tables.feedback, tables)
    explorations = tables.explorations.filter(tables.explorations.wrong_concept == concept)
    turns = tables.turns.filter(tables.turns.wrong_concept == concept)
    return replace(
        tables,
        feedback=feedback.filter(feedback.concept == concept),
        calls=tables.calls.semi_join(turns, "trace_id"),
        hops=tables.hops.semi_join(explorations, "event_id"),
        dead_ends=tables.dead_ends.semi_join(explorations, "event_id"),
        # the feedback has its concept already: no other exploration is asked for it
        explorations=explorations,
    )


def of_model(tables: Tables, model: str) -> Tables:
    """The calls that `model` answered, and what happened and was said in their turns."""
    import ibis

    calls = tables.calls.filter(
        ibis.coalesce(tables.calls.served_model, tables.calls.requested_model) == model
    )
    feedback = attributed(tables.feedback, tables)
    return replace(
        tables,
        calls=calls,
        # it has its concept already, so that the explorations can go
        feedback=feedback.semi_join(calls, "trace_id"),
        explorations=tables.explorations.semi_join(calls, "trace_id"),
        hops=tables.hops.semi_join(calls, "trace_id"),
        dead_ends=tables.dead_ends.semi_join(calls, "trace_id"),
    )
