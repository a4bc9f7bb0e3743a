"""Finds the one exploration that somebody names: by its event id, as the last one, or by its question."""

from collections.abc import Iterable

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Exploration, Fact

__all__ = ["find_exploration"]

_LISTED = 5


def find_exploration(
    facts: Iterable[Fact], event_id: str | None = None, *, question_id: str | None = None
) -> Exploration:
    """The exploration whose `event_id` begins with what is given, or else the last one (of the question).

    A whole `event_id` goes before one that only begins with it. Reads all facts and keeps one. Raises
    `InvalidInputError` where there is none, and where several begin alike, with the ways to name one.
    """
    last = found = whole = None
    count = 0
    alike: dict[str, None] = {}
    for fact in facts:
        if not isinstance(fact, Exploration):
            continue
        last, count = fact, count + 1
        if question_id not in (None, fact.question_id) or not fact.event_id.startswith(event_id or ""):
            continue
        found = fact
        alike[fact.event_id] = None
        whole = fact if fact.event_id == event_id else whole
    if last is None:
        raise InvalidInputError(
            "expected explorations in the journal, found none: attach a handler to a chain with a graph "
            "retriever, or run  examsgraph demo",
        )
    if found is None:
        wanted = {"event_id": event_id, "question_id": question_id}
        named = " and ".join(f"{name} {value!r}" for name, value in wanted.items() if value is not None)
        raise InvalidInputError(
            f"expected an exploration with {named}, found none among {count}: "
            f"name another, for example {last.event_id} (the last one)",
        )
    if event_id is not None and whole is None and len(alike) > 1:
        raise InvalidInputError(
            f"expected one exploration whose event_id begins with {event_id!r}, found {len(alike)}: "
            f"name more of it ({', '.join([*alike][:_LISTED])}{', …' if len(alike) > _LISTED else ''})",
        )
    return whole or found
