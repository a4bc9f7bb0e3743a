"""Asks the database, once the retriever has what it asked for, what its records did not tell of nodes.

That is their names where a relation came without its nodes, and their similarities where nodes came
without their embeddings. It only reads, for `LOOKUP_SECONDS` at most, and does not try again. What was
asked within the last minute is remembered.
"""

import asyncio
from collections.abc import Generator, Sequence
from typing import TypeAlias
from weakref import WeakKeyDictionary

from neo4j import READ_ACCESS, AsyncDriver, Driver, Query, Record

from examsgraph_callbacks.graph.tap.hearing import AnyDriver, Place, heard_by
from examsgraph_callbacks.graph.tap.lookup_statements import Found, Index, Question, Wanted, conversation
from examsgraph_callbacks.graph.tap.remembered import Remembered

__all__ = ["LOOKUP_SECONDS", "look_up", "look_up_async"]

LOOKUP_SECONDS = 2.0
"""For which the server works at one question at most."""

Conversation: TypeAlias = Generator[Question, Sequence[Record], Found]

_remembered = Remembered()

# asked once of a database
_indexes: WeakKeyDictionary[AnyDriver, dict[object, Sequence[Index]]] = WeakKeyDictionary()


def look_up(place: Place, wanted: Wanted) -> Found | None:
    """Ask; None where the driver is gone, or asynchronous. Raises what the driver raises."""
    driver = place.driver()
    if not isinstance(driver, Driver):
        return None
    found = _remembered.recall(place, wanted)
    if found is not None:
        return found
    asking = _conversation(driver, place, wanted)
    with heard_by(None), driver.session(default_access_mode=READ_ACCESS, **place.session_config) as session:
        question: Question | None = next(asking)
        while question is not None:
            records = [*session.run(_query(question), question.parameters)]
            question, found = _following(asking, records)
    return _kept(place, wanted, found)


async def look_up_async(place: Place, wanted: Wanted) -> Found | None:
    """The same for either driver: the one that blocks is asked in another thread."""
    driver = place.driver()
    if isinstance(driver, Driver):
        return await asyncio.to_thread(look_up, place, wanted)
    if not isinstance(driver, AsyncDriver):
        return None
    found = _remembered.recall(place, wanted)
    if found is not None:
        return found
    asking = _conversation(driver, place, wanted)
    with heard_by(None):
        config = {"default_access_mode": READ_ACCESS, **place.session_config}
        async with driver.session(**config) as session:
            question: Question | None = next(asking)
            while question is not None:
                result = await session.run(_query(question), question.parameters)
                question, found = _following(asking, [record async for record in result])
    return _kept(place, wanted, found)


def _conversation(driver: AnyDriver, place: Place, wanted: Wanted) -> Conversation:
    by_database = _indexes.setdefault(driver, {})
    database = place.session_config.get("database")

    def remember(indexes: Sequence[Index]) -> None:
        by_database[database] = indexes

    return conversation(wanted, by_database.get(database), remember)


def _kept(place: Place, wanted: Wanted, found: Found | None) -> Found | None:
    if found is not None:
        _remembered.remember(place, wanted, found)
    return found


def _following(asking: Conversation, records: Sequence[Record]) -> tuple[Question | None, Found | None]:
    """The next question, or what was found where that was the last."""
    try:
        return asking.send(records), None
    except StopIteration as end:
        return None, end.value


def _query(question: Question) -> Query:
    # made of our own statements and of quoted names
    return Query(question.statement, timeout=LOOKUP_SECONDS)
