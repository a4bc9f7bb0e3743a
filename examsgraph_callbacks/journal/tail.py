"""What was written to a journal since the last look: facts by segment, from where the last look ended."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from examsgraph_callbacks.defaults import LAKE_FOLDER
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal.journal import Journal
from examsgraph_callbacks.journal.reader import Problem, read_line, read_segment
from examsgraph_callbacks.settings import current_settings

if TYPE_CHECKING:
    from examsgraph_callbacks.journal.lake import Commit, Lake

__all__ = ["Tail"]


class Tail:
    """Reads on in a journal; `offsets` says how far each segment was read, in bytes, and may be kept.

    Costs one `stat` a segment where nothing is new. What was compacted and removed before it was read is
    found in the lake. Facts come in order within a segment, not across segments. A segment that nobody
    wrote to since `since` is passed over. Lines that cannot be read are left to whoever ships to tell.
    """

    def __init__(self, journal: Journal, offsets: Mapping[str, int] | None = None) -> None:
        self._journal = journal
        self.offsets = dict(offsets or {})
        self._on_disk: set[str] | None = None

    def new(self, since: datetime) -> Iterator[Fact]:
        """The facts since the last look; each is read once it is yielded, whatever becomes of it.

        Raises `SchemaError` for facts of a newer major schema version.
        """
        # a segment is removed long after it is in the lake: seen first, it is found in one of the two
        segments = self._journal.segments()
        on_disk = {path.name for path in segments}
        for path in segments:
            with suppress(FileNotFoundError):
                status = path.stat()
                begin = self.offsets.setdefault(path.name, 0)
                if status.st_size <= begin:
                    continue
                if begin == 0 and datetime.fromtimestamp(status.st_mtime, UTC) < since:
                    self.offsets[path.name] = status.st_size
                    continue
                for end, fact in read_segment(path, begin, on_problem=_told_by_the_shipper):
                    self.offsets[path.name] = end
                    yield fact
        if self._on_disk is None or self._on_disk - on_disk:
            yield from self._compacted(on_disk, since)
        self._on_disk = on_disk

    def _compacted(self, on_disk: set[str], since: datetime) -> Iterator[Fact]:
        from examsgraph_callbacks.journal.lake import covered_by, lake_of

        gone = set(self.offsets) - on_disk
        if current_settings().lake is None and not (self._journal.path / LAKE_FOLDER).is_dir():
            for name in gone:
                del self.offsets[name]
            return
        lake = lake_of(self._journal.path)
        commits = lake.commits()
        covered = covered_by(commits)
        for name in gone:
            if name not in covered or covered[name].written_at < since:
                del self.offsets[name]
        unread = {
            name
            for name, span in covered.items()
            if name not in on_disk and span.written_at >= since and span.end > self.offsets.get(name, 0)
        }
        for commit in commits:
            if unread & set(commit.segments):
                yield from self._of_commit(lake, commit, unread)
        self.offsets.update({name: covered[name].end for name in unread})

    def _of_commit(self, lake: "Lake", commit: "Commit", unread: set[str]) -> Iterator[Fact]:
        from examsgraph_callbacks.journal.order import rows_of_commit

        for row in rows_of_commit(lake, commit, ["written_at", "segment", "position", "line"]):
            segment, position = row["segment"], row["position"]
            if segment not in unread or position < self.offsets.get(segment, 0):
                continue
            fact = read_line(row["line"])
            # whoever is cut short goes on from here
            self.offsets[segment] = position + len(row["line"])
            if not isinstance(fact, str):
                yield fact


def _told_by_the_shipper(_problem: Problem) -> None:
    """Nothing to tell here."""
