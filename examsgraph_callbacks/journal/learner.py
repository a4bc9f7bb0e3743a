"""Which facts are one learner's: those that name them, and those of their turns that name nobody."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from examsgraph_callbacks.events import Fact, PromptComparison, RunFact

__all__ = ["Learner", "find_learner"]


@dataclass(slots=True)
class Learner:
    """A learner by the ids under which facts may know them, and what else is theirs alone.

    `events` are the ids of their facts, `unnamed` those among them that do not name the learner.
    """

    user_ids: frozenset[str]
    traces: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    unnamed: set[str] = field(default_factory=set)
    kinds: dict[str, int] = field(default_factory=dict)

    def owns(self, fact: Fact) -> bool:
        """Whether the fact is theirs, as far as is known by now."""
        if fact.user_id is not None:
            return fact.user_id in self.user_ids
        return not self.traces.isdisjoint(_turns(fact)) or fact.session_id in self.sessions

    def is_named_in(self, line: bytes) -> bool:
        """Whether a line that is no fact, or a part of one, names them or one of their turns all the same."""
        named = set(_told(line, "user_id"))
        if named:
            return not named.isdisjoint(self.user_ids)
        turns = {*_told(line, "trace_id"), *_told(line, "run_id")}
        return not self.traces.isdisjoint(turns) or not self.sessions.isdisjoint(_told(line, "session_id"))


def find_learner(read: Callable[[], Iterable[Fact]], user_ids: Iterable[str]) -> Learner:
    """The learner with these ids among the facts that `read` gives, each time anew.

    The facts are read until nothing more is found, mostly twice. A session or turn that other learners
    are named in is nobody's alone.
    """
    learner = Learner(frozenset(user_ids))
    shared: set[str] = set()
    while True:
        traces, sessions, known_shared = len(learner.traces), len(learner.sessions), len(shared)
        learner.events, learner.unnamed, learner.kinds = set(), set(), {}
        for fact in read():
            turns = _turns(fact)
            if learner.owns(fact):
                learner.events.add(fact.event_id)
                learner.kinds[fact.kind] = learner.kinds.get(fact.kind, 0) + 1
                if fact.user_id is None:
                    learner.unnamed.add(fact.event_id)
                learner.traces |= turns - shared
                if fact.session_id is not None and fact.session_id not in shared:
                    learner.sessions.add(fact.session_id)
            elif fact.user_id is not None:
                mentioned = {*turns, fact.session_id} if fact.session_id else turns
                shared |= mentioned & (learner.traces | learner.sessions)
        if len(shared) > known_shared:
            # what was found by way of these is theirs no more
            learner.traces, learner.sessions = set(), set()
        elif (traces, sessions) == (len(learner.traces), len(learner.sessions)):
            return learner


def _turns(fact: Fact) -> set[str]:
    if isinstance(fact, PromptComparison):
        return {name for name in (fact.trace_id, *fact.trace_ids.values()) if name}
    turn = fact.trace_id or (fact.run_id if isinstance(fact, RunFact) else None)
    return {turn} if turn else set()


def _told(line: bytes, name: str) -> Iterator[str]:
    """The texts that stand under a name, wherever in a line, which may be torn."""
    for text in re.findall(rb'"%b"\s*:\s*("(?:[^"\\]|\\.)*")' % name.encode(), line):
        with suppress(ValueError):
            yield json.loads(text)
