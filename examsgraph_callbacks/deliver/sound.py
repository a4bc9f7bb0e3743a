"""The part of a turn that can be delivered: a fact that cannot be is set aside, and the others go on."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.turns import Turn
from examsgraph_callbacks.errors import ExamsGraphError, InvalidInputError
from examsgraph_callbacks.events import RunFact

__all__ = ["of_a_fact", "prepared"]

T = TypeVar("T")


def prepared(turn: Turn, prepare: Callable[[Turn], T], dead_letters: DeadLetters) -> T | None:
    """What `prepare` makes of the turn without the facts that it fails on; None where it fails on all.

    It fails on all where it fails on the root, on which the others hang, or on no single one. Raises what
    is wrong with this installation, and not with a fact.
    """
    try:
        return prepare(turn)
    except Exception as error:  # noqa: BLE001 - whatever one odd fact brings about
        failure = of_a_fact(error)
    sound: list[RunFact] = []
    faulty: list[tuple[RunFact, Exception]] = []
    for fact in turn.facts:
        try:
            prepare(replace(turn, facts=(fact,)))
        except Exception as error:  # noqa: BLE001
            faulty.append((fact, of_a_fact(error)))
        else:
            sound.append(fact)
    if not sound or not faulty or any(fact is turn.root for fact, _ in faulty):
        dead_letters.set_aside(turn.facts, failure)
        return None
    for fact, why in faulty:
        dead_letters.set_aside([fact], why)
    return prepared(replace(turn, facts=tuple(sound)), prepare, dead_letters)


def of_a_fact(error: Exception) -> Exception:
    """The error itself; raised where every other fact would bring it about as well."""
    ours = isinstance(error, ExamsGraphError) and not isinstance(error, InvalidInputError)
    if ours or isinstance(error, ImportError):
        raise error
    return error
