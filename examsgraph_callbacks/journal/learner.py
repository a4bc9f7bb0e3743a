"""Which facts are one learner's: those that name them, and those of their turns that name nobody."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from examsgraph_callbacks.events import Fact, RunFact

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
        return _turn(fact) in self.traces or fact.session_id in self.sessions

    def is_named_in(self, line: bytes) -> bool:
        """Whether a line that is no fact names them all the same."""
        return any(f'"user_id":{_quoted(user_id)}'.encode() in line for user_id in self.user_ids)


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
            turn = _turn(fact)
            if learner.owns(fact):
                learner.events.add(fact.event_id)
                learner.kinds[fact.kind] = learner.kinds.get(fact.kind, 0) + 1
                if fact.user_id is None:
                    learner.unnamed.add(fact.event_id)
                if turn is not None and turn not in shared:
                    learner.traces.add(turn)
                if fact.session_id is not None and fact.session_id not in shared:
                    learner.sessions.add(fact.session_id)
            elif fact.user_id is not None:
                others = {name for name in (turn, fact.session_id) if name} & (
                    learner.traces | learner.sessions
                )
                shared |= others
        if len(shared) > known_shared:
            # what was found by way of these is theirs no more
            learner.traces, learner.sessions = set(), set()
        elif (traces, sessions) == (len(learner.traces), len(learner.sessions)):
            return learner


def _turn(fact: Fact) -> str | None:
    return fact.trace_id or (fact.run_id if isinstance(fact, RunFact) else None)


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
