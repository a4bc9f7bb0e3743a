"""Gathers the facts of a journal into turns: all the facts of one trace, complete once its root is read.

Facts that belong to no turn's tree, such as feedback, are noted as loose facts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TypeGuard

from examsgraph_callbacks.deliver.checkpoint import Checkpoint, SegmentCheckpoint
from examsgraph_callbacks.deliver.loose_facts import LooseFacts, Place, read_again
from examsgraph_callbacks.events import Exploration, Fact, RunFact
from examsgraph_callbacks.journal import Journal, read_segment

__all__ = ["Gatherer", "Turn"]


@dataclass(frozen=True, slots=True)
class Turn:
    """Facts of one trace, in the order in which they were written.

    A trace's facts are written child first and its root last, so they are all here once the root is.
    A fact that comes after its trace's root makes a turn of its own, without a root.
    """

    trace_id: str
    facts: tuple[RunFact, ...]

    @property
    def root(self) -> RunFact | None:
        """The fact that stands above all others; None where it was not written (yet)."""
        return next((fact for fact in self.facts if fact.parent_run_id is None), None)

    @property
    def started_at(self) -> datetime:
        """When its first fact began (UTC)."""
        return min(fact.started_at for fact in self.facts)

    @property
    def ended_at(self) -> datetime:
        """When its last fact was complete (UTC)."""
        return max(fact.ended_at for fact in self.facts)


@dataclass(frozen=True, slots=True)
class _Read:
    """A fact, and the byte from which reading its segment meets it first."""

    fact: RunFact
    segment: str
    begin: int


class Gatherer:
    """Reads what a checkpoint has not seen of a journal, and knows at any time where it stands."""

    def __init__(self, journal: Journal, since: Checkpoint) -> None:
        self._journal = journal
        paths = journal.segments()
        self._offsets = {path.name: _seen(since, path).offset for path in paths}
        self._waiting: dict[str, list[_Read]] = {}
        self._looked_at: dict[str, int] = {}
        self.loose = LooseFacts(journal.path)
        self.facts_read = 0
        for path in paths:
            for begin in _seen(since, path).waiting:
                for fact in read_again(path, begin):
                    if _stands_in_a_turn(fact):
                        self._wait(_Read(fact, path.name, begin))
                    else:
                        self.loose.add(Place(path.name, begin))
            for begin in _seen(since, path).unlinked:
                self.loose.add(Place(path.name, begin), unlinked=True)

    def complete_turns(self) -> Iterator[Turn]:
        """Turns in the order of their roots; what has no root stays with the waiting ones.

        Called again, it goes on with what has been written since.
        """
        for path in self._journal.segments():
            begin = self._offsets.setdefault(path.name, 0)
            size = path.stat().st_size
            # an end that cannot be read is not tried, and told, again before something follows it
            if size <= begin or size == self._looked_at.get(path.name):
                continue
            for following, fact in read_segment(path, begin):
                self._offsets[path.name] = following
                self.facts_read += 1
                if _stands_in_a_turn(fact):
                    turn_id = self._wait(_Read(fact, path.name, begin))
                    if fact.parent_run_id is None:
                        yield self._taken(turn_id)
                else:
                    self.loose.add(Place(path.name, begin))
                begin = following
            self._looked_at[path.name] = size

    def stale_turns(self, before: datetime) -> Iterator[Turn]:
        """Waiting turns of which nothing has been written since `before` (UTC)."""
        for turn_id in list(self._waiting):
            if self._turn(turn_id).ended_at <= before:
                yield self._taken(turn_id)

    def has_turn_for(self, loose: Fact) -> bool:
        """Whether a turn still waits for its root that a loose fact may be about."""
        return any(_may_be_about(loose, read.fact) for read in self._reads_waiting())

    @property
    def facts_waiting(self) -> int:
        """How many facts wait for their root."""
        return sum(map(len, self._waiting.values()))

    def segments(self) -> dict[str, SegmentCheckpoint]:
        """How far each segment is done with, once every turn that was yielded is delivered."""
        waiting: dict[str, list[int]] = {name: [] for name in self._offsets}
        unlinked: dict[str, list[int]] = {name: [] for name in self._offsets}
        for read in self._reads_waiting():
            waiting[read.segment].append(read.begin)
        for place in self.loose.waiting:
            waiting[place.segment].append(place.begin)
        for place in self.loose.unlinked:
            unlinked[place.segment].append(place.begin)
        return {
            name: SegmentCheckpoint(
                offset=offset, waiting=tuple(sorted(waiting[name])), unlinked=tuple(sorted(unlinked[name]))
            )
            for name, offset in self._offsets.items()
        }

    def _reads_waiting(self) -> Iterator[_Read]:
        return chain.from_iterable(self._waiting.values())

    def _wait(self, read: _Read) -> str:
        turn_id = read.fact.trace_id or read.fact.run_id
        self._waiting.setdefault(turn_id, []).append(read)
        return turn_id

    def _turn(self, turn_id: str) -> Turn:
        return Turn(turn_id, tuple(read.fact for read in self._waiting[turn_id]))

    def _taken(self, turn_id: str) -> Turn:
        turn = self._turn(turn_id)
        del self._waiting[turn_id]
        return turn


def _seen(since: Checkpoint, path: Path) -> SegmentCheckpoint:
    return since.segments.get(path.name, SegmentCheckpoint())


def _stands_in_a_turn(fact: Fact) -> TypeGuard[RunFact]:
    """Whether it is a run that knows its trace, or is one by itself; a path that a caller told is neither."""
    is_told = isinstance(fact, Exploration) and fact.source == "caller" and fact.trace_id is None
    return isinstance(fact, RunFact) and not is_told


def _may_be_about(loose: Fact, fact: RunFact) -> bool:
    same_question = loose.question_id is not None and fact.question_id == loose.question_id
    return same_question and fact.started_at <= loose.ended_at
