"""What was written to a journal since the last look, as columns: for whoever adds up and needs no order."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from examsgraph_callbacks.defaults import LAKE_FOLDER
from examsgraph_callbacks.journal.columns import columns_of_lines
from examsgraph_callbacks.journal.journal import Journal
from examsgraph_callbacks.journal.whole_lines import whole_lines
from examsgraph_callbacks.settings import current_settings

if TYPE_CHECKING:
    from examsgraph_callbacks.journal.lake import Commit, Lake

__all__ = ["ColumnTail"]


class ColumnTail:
    """Reads on in a journal, each fact once, compacted or not.

    `offsets` says how far each segment was read, in bytes, and `compacted` which commits of the lake need
    not be looked at any more; whoever keeps both may go on from them in another process. Costs one `stat`
    a segment where nothing is new. Of a lake elsewhere, which other journals may share, it reads what it saw
    on this journal's own disk before.
    """

    def __init__(
        self,
        journal: Journal,
        offsets: Mapping[str, int] | None = None,
        compacted: frozenset[str] = frozenset(),
    ) -> None:
        self._journal = journal
        self.offsets = dict(offsets or {})
        self.compacted = set(compacted)
        self._lake_is_shared = current_settings().lake is not None

    def lots(self, *, look_at_lake: bool) -> Iterator[Iterator[pa.Table]]:
        """What is new, lot by lot, each as tables with `FACT_COLUMNS` and `line`.

        `offsets` and `compacted` count a lot once all of it was taken; one that is left costs little. The
        lake is looked at when a segment is gone that was read before; `look_at_lake` looks at it anyway.
        Raises `SchemaError` for facts of a newer major schema version.
        """
        # a segment is removed long after it is in the lake: seen first, it is found in one of the two
        segments = self._journal.segments()
        on_disk = {path.name for path in segments}
        for path in segments:
            # gone since it was seen: then it is in the lake, and found there at the next look
            with suppress(FileNotFoundError):
                begin = self.offsets.setdefault(path.name, 0)
                if path.stat().st_size > begin:
                    for lines in whole_lines(path, begin):
                        begin += lines.size
                        yield self._of_segment(path, begin, lines)
        if look_at_lake or self.offsets.keys() - on_disk:
            yield from self._compacted(on_disk)

    def _of_segment(self, path: Path, end: int, lines: pa.Buffer) -> Iterator[pa.Table]:
        yield columns_of_lines(lines)
        self.offsets[path.name] = end

    def _compacted(self, on_disk: set[str]) -> Iterator[Iterator[pa.Table]]:
        commits: list[Commit] = []
        if self._lake_is_shared or (self._journal.path / LAKE_FOLDER).is_dir():
            from examsgraph_callbacks.journal.lake import lake_of

            lake = lake_of(self._journal.path)
            commits = lake.commits()
            for commit in commits:
                if _lasting(commit) not in self.compacted:
                    yield self._of_commit(lake, commit, on_disk)
        self.compacted &= {_lasting(commit) for commit in commits}
        needed = {name for each in commits if _lasting(each) not in self.compacted for name in each.segments}
        for name in self.offsets.keys() - on_disk - needed:
            del self.offsets[name]

    def _of_commit(self, lake: "Lake", commit: "Commit", on_disk: set[str]) -> Iterator[pa.Table]:
        from examsgraph_callbacks.journal.lake import FACTS

        ends = {
            name: span.end
            for name, span in commit.segments.items()
            if not self._lake_is_shared or name in self.offsets
        }
        unread = {
            name: self.offsets.get(name, 0)
            for name, end in ends.items()
            if name not in on_disk and end > self.offsets.get(name, 0)
        }
        for file in commit.files.get(FACTS, ()) if unread else ():
            for batch in lake.batches(file, ["segment", "position", "line"]):
                lines = _unread_lines(batch, unread)
                if lines:
                    yield columns_of_lines(lines)
        self.offsets.update({name: ends[name] for name in unread})
        # bytes of a segment that is still there are read there
        if all(self.offsets.get(name, 0) >= end for name, end in ends.items()):
            self.compacted.add(_lasting(commit))


def _lasting(commit: "Commit") -> str:
    """What a commit is called whatever is forgotten of it later."""
    return commit.name.partition("~")[0]


def _unread_lines(batch: pa.RecordBatch, unread: Mapping[str, int]) -> bytes:
    names = list(unread)
    place = pc.index_in(batch["segment"], pa.array(names, pa.string()))
    begins = pa.array(list(unread.values()), pa.int64()).take(place)
    wanted = pc.fill_null(pc.greater_equal(batch["position"], begins), False)
    return b"".join(pc.filter(batch["line"], wanted).to_pylist())
