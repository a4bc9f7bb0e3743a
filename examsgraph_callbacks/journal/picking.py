"""Picks a few facts out of many without reading the others: by their place, or all of rare kinds."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal.forget import forgotten_mark
from examsgraph_callbacks.journal.journal import Journal
from examsgraph_callbacks.journal.lake import FACTS, Commit, Lake, LakeFile, covered_by, lake_of
from examsgraph_callbacks.journal.reader import read_line
from examsgraph_callbacks.journal.store import reached

__all__ = ["FactsOfKinds", "Place", "fact_at"]


class Place(NamedTuple):
    """Where a fact stands: its id, at which byte of its segment, and when it began (UTC)."""

    event_id: str
    position: int
    started_at: datetime


def fact_at(journal: Journal, place: Place, lake: str | None = None) -> Fact | None:
    """The fact at `place`, wherever it was moved to meanwhile; None where it is there no more.

    Reads one line of each open segment, and of the lake the ids of the days in which it may be.
    """
    for path in journal.segments():
        with suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(place.position)
            fact = _read(file.readline(), place.event_id)
            if fact is not None:
                return fact
    found = lake_of(journal.path, lake)
    began = _utc(place.started_at)
    for commit in found.commits():
        for file_of_day in commit.files.get(FACTS, ()):
            if file_of_day.began <= began <= file_of_day.ended:
                for row in _rows_where(found, file_of_day, "event_id", [place.event_id]):
                    return _read(row["line"], place.event_id)
    return None


class FactsOfKinds:
    """Reads the facts of some kinds, and each time what came since; for kinds that are rare among others.

    `restarted` is True after a look that began anew, since somebody was forgotten: what was read before no
    longer holds. Lines that cannot be read are left to whoever ships to tell.
    """

    def __init__(self, journal: Journal, kinds: Collection[str], lake: str | None = None) -> None:
        self._journal = journal
        self._kinds = frozenset(kinds)
        # a line that only quotes it is sorted out when it is read
        self._signs = tuple(f'"{kind}"'.encode() for kind in kinds)
        self._lake = lake_of(journal.path, lake)
        self._offsets: dict[str, int] = {}
        self._commits: set[str] = set()
        self._forgotten: int | None = None
        self.restarted = False

    def new(self) -> list[Fact]:
        """The facts since the last look, in no certain order.

        A look that raises has taken nothing: the next one begins where it did.
        """
        mark = forgotten_mark(self._journal.path)
        restarted = mark != self._forgotten
        offsets = {} if restarted else dict(self._offsets)
        seen = set() if restarted else self._commits
        # a segment is removed long after it is in the lake: seen first, it is found in one of the two
        segments = self._journal.segments()
        commits = self._lake.commits()
        covered = covered_by(commits)
        fresh = [commit for commit in commits if commit.name not in seen]
        facts = [fact for commit in fresh for fact in self._of_commit(commit, offsets)]
        for path in segments:
            span = covered.get(path.name)
            begin = max(offsets.get(path.name, 0), span.end if span else 0)
            with suppress(FileNotFoundError), path.open("rb") as file:
                file.seek(begin)
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # it has no end yet
                    begin += len(line)
                    if any(sign in line for sign in self._signs):
                        facts += self._of_line(line)
                offsets[path.name] = begin
        self._forgotten, self._offsets, self.restarted = mark, offsets, restarted
        self._commits = {commit.name for commit in commits}
        return facts

    def _of_commit(self, commit: Commit, offsets: Mapping[str, int]) -> Iterator[Fact]:
        for file in commit.files.get(FACTS, ()):
            for row in _rows_where(self._lake, file, "kind", self._kinds):
                # but what was read in its segment already
                if row["position"] >= offsets.get(row["segment"], 0):
                    yield from self._of_line(row["line"])

    def _of_line(self, line: bytes) -> Iterator[Fact]:
        fact = read_line(line)
        if not isinstance(fact, str) and fact.kind in self._kinds:
            yield fact


def _rows_where(lake: Lake, file: LakeFile, column: str, values: Collection[str]) -> Iterator[dict[str, Any]]:
    """The rows of facts whose `column` has one of `values`; of groups without any only that is read."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    wanted = pa.array(values, pa.string())
    with reached(), lake.store.open(file.name) as source, parquet.ParquetFile(source) as opened:
        for group in range(opened.num_row_groups):
            here = pc.is_in(opened.read_row_group(group, [column])[column], wanted)
            if pc.any(here).as_py():
                rows = opened.read_row_group(group, ["segment", "position", "line"])
                yield from rows.filter(here).to_pylist()


def _read(line: bytes, event_id: str) -> Fact | None:
    """The fact of a line if it is the one; in the midst of another there is none."""
    if not line.endswith(b"\n") or event_id.encode() not in line:
        return None
    fact = read_line(line)
    return fact if not isinstance(fact, str) and fact.event_id == event_id else None


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
