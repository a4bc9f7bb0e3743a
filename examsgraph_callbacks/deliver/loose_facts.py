"""Facts that belong to no turn's tree: where they stand in the journal, until they are delivered for good."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Problem, read_segment

__all__ = ["LooseFact", "LooseFacts", "Place", "read_again"]


class Place(NamedTuple):
    """Where a fact stands: its segment's name, and the byte where it begins."""

    segment: str
    begin: int


@dataclass(frozen=True, slots=True)
class LooseFact:
    """A fact, and where it stands."""

    fact: Fact
    place: Place


class LooseFacts:
    """Notes where the facts stand, and reads them from there: a journal full of feedback takes no memory."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._waiting: dict[Place, None] = {}
        self._unlinked: dict[Place, None] = {}

    @property
    def waiting(self) -> tuple[Place, ...]:
        """Where the facts stand that are to be delivered."""
        return tuple(self._waiting)

    @property
    def unlinked(self) -> tuple[Place, ...]:
        """Where the facts stand that were delivered, and whose turns have not arrived."""
        return tuple(self._unlinked)

    def add(self, place: Place, *, unlinked: bool = False) -> None:
        """Note a fact that is to be delivered, or `unlinked`, one whose turn has not arrived."""
        (self._unlinked if unlinked else self._waiting)[place] = None

    def delivered(self, place: Place, *, unlinked: bool = False) -> None:
        """The fact was delivered; `unlinked`, its turn has not arrived."""
        self._waiting.pop(place, None)
        self._unlinked.pop(place, None)
        if unlinked:
            self._unlinked[place] = None

    def read(self, places: Iterable[Place]) -> Iterator[LooseFact]:
        """The facts that stand there."""
        for place in places:
            for fact in read_again(self._journal / place.segment, place.begin):
                yield LooseFact(fact, place)


def read_again(segment: Path, begin: int) -> Iterator[Fact]:
    """The fact that begins at `begin` of a segment; none where it can no longer be read, or was erased."""
    with segment.open("rb") as file:
        file.seek(begin)
        if file.read(1) == b"\n":
            return
    for _, fact in read_segment(segment, begin, on_problem=_told_before):
        yield fact
        return


def _told_before(_problem: Problem) -> None:
    """A line that cannot be read was told when the segment was first read past it."""
