"""What stands in a segment beyond a place: lines and times, of which nothing is read at every look."""

from datetime import datetime
from pathlib import Path

from examsgraph_callbacks.journal import Problem, read_segment

__all__ = ["Behind"]

_CHUNK = 1024 * 1024


class Behind:
    """Remembers between looks what it counted; whoever looks once makes a new one."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str], tuple[int, int, int]] = {}
        self._written: dict[tuple[str, int], datetime] = {}

    def lines(self, whose: str, segment: Path, begin: int) -> int:
        """How many lines of a segment stand from byte `begin` on; `whose` tells apart who reads at what pace.

        Reads what was written since it was last asked, and what `whose` place passed since then.
        """
        key = whose, segment.name
        since, until, lines = self._counted.get(key, (begin, begin, 0))
        if not since <= begin < until:
            since, until, lines = begin, begin, 0
        if begin > since:
            lines -= _lines_between(segment, since, begin)
        size = segment.stat().st_size
        lines += _lines_between(segment, until, size)
        self._counted[key] = begin, size, lines
        return lines

    def written_at(self, segment: Path, begin: int) -> datetime | None:
        """When the first fact from there on was written; None where there is none that can be read."""
        key = segment.name, begin
        if key not in self._written:
            facts = read_segment(segment, begin, on_problem=_told_when_shipped)
            moment = next((fact.ended_at for _, fact in facts), None)
            if moment is None:
                return None
            self._written[key] = moment
        return self._written[key]

    def keep_only(self, segments: list[Path], places: set[tuple[str, int]]) -> None:
        """Let go of segments that are no more, and of all moments but those at `places`."""
        names = {path.name for path in segments}
        self._counted = {key: value for key, value in self._counted.items() if key[1] in names}
        self._written = {key: value for key, value in self._written.items() if key in places}


def _lines_between(segment: Path, begin: int, end: int) -> int:
    lines = 0
    with segment.open("rb") as file:
        file.seek(begin)
        left = end - begin
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            lines += chunk.count(b"\n")
            left -= len(chunk)
    return lines


def _told_when_shipped(_problem: Problem) -> None:
    """A line that cannot be read is told by whoever ships."""
