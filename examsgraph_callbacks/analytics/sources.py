"""Where the rows come from: the lake's files, and the open segments as far as they are written now."""

import tempfile
import weakref
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

import pyarrow as pa

from examsgraph_callbacks.analytics.answers import Period
from examsgraph_callbacks.analytics.engine import named, read_parquet
from examsgraph_callbacks.analytics.tables import TABLES, measured_anew, tables_of
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.columns import read_columns
from examsgraph_callbacks.journal.forget import forgotten_mark
from examsgraph_callbacks.journal.lake import Commit, LakeFile, Span, covered_by, lake_of, renamed
from examsgraph_callbacks.measure import Meter

if TYPE_CHECKING:
    import ibis
    from ibis.backends import BaseBackend

__all__ = ["Sources", "Tables"]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables (see `TABLES`) as they stand at one moment, for expressions to begin from."""

    calls: "ibis.Table"
    turns: "ibis.Table"
    feedback: "ibis.Table"
    explorations: "ibis.Table"
    hops: "ibis.Table"
    dead_ends: "ibis.Table"


@dataclass(slots=True)
class _Read:
    """How far a segment was read, from where on, and what that added to each table."""

    begin: int
    end: int
    written_at: datetime | None
    rows: dict[str, list[pa.Table]] = field(default_factory=lambda: {name: [] for name in TABLES})


class Sources:
    """A journal as tables of an engine; of what it read before, nothing is read again."""

    def __init__(
        self, journal: Journal, meter: Meter, backend: "BaseBackend", place: str | None = None
    ) -> None:
        self._journal = journal
        self._meter = meter
        self._backend = backend
        self._lake = lake_of(journal.path, place)
        self._read: dict[str, _Read] = {}
        self._forgotten_mark = forgotten_mark(journal.path)
        self._opened: dict[tuple[str, ...], ibis.Table] = {}
        self._newest: dict[str, ibis.Table] = {}
        self._measured: dict[str, LakeFile] = {}
        self._scratch: Path | None = None

    def tables(self, bounded: tuple[str, ...] = (), period: Period | None = None) -> Tables:
        """The tables at this moment, whatever was written last among them.

        Of those that are `bounded`, files in which nothing began in the period may be left out.
        """
        mark = forgotten_mark(self._journal.path)
        if mark != self._forgotten_mark:
            self._forgotten_mark, self._read = mark, {}
        # a segment is removed long after it is in the lake: seen first, it is found in one of the two
        segments = self._journal.segments()
        commits = self._lake.commits()
        self._read_on(segments, covered_by(commits))
        return Tables(
            **{
                name: self._table(name, commits, period if name in bounded and period else Period())
                for name in TABLES
            }
        )

    def _read_on(self, segments: list[Path], covered: dict[str, Span]) -> None:
        """Read what was written to the segments since, beyond what is in the lake."""
        reads: dict[str, _Read] = {}
        for path in segments:
            span = covered.get(path.name)
            begin = span.end if span else 0
            read = self._read.get(path.name)
            if read is None or read.begin != begin:
                read = _Read(begin, begin, span.written_at if span else None)
            reads[path.name] = read
            try:
                if path.stat().st_size == read.end:
                    continue
                for part in read_columns(path, read.end, read.written_at):
                    for name, rows in tables_of(part.facts, self._meter).items():
                        if rows.num_rows:
                            read.rows[name].append(rows)
                    read.end = part.end
                    if part.facts.num_rows:
                        read.written_at = part.facts["written_at"][-1].as_py()
            except FileNotFoundError:
                del reads[path.name]
        self._read = reads

    def _table(self, name: str, commits: list[Commit], period: Period) -> "ibis.Table":
        files = [
            self._as_measured(name, file, commit)
            for commit in commits
            for file in commit.files.get(name, ())
            if _may_hold(file, period)
        ]
        rows = [each for read in self._read.values() for each in read.rows[name]]
        if not files:
            return self._in_memory(pa.concat_tables(rows) if rows else TABLES[name].empty_table())
        addresses = tuple(self._lake.store.address(file.name) for file in files)
        if addresses not in self._opened:
            self._opened[addresses] = read_parquet(self._backend, addresses, self._lake.store, TABLES[name])
        table = self._opened[addresses]
        if not rows:
            return table
        # the engine has it for as long as it is held here
        self._newest[name] = self._in_memory(pa.concat_tables(rows))
        return named(self._backend, f"examsgraph_{name}", table.union(self._newest[name]))

    def _as_measured(self, name: str, file: LakeFile, commit: Commit) -> LakeFile:
        """The file with the figures of this meter; measured anew, once, where they are another's."""
        version = self._meter.version
        if name != "calls" or commit.measured_by == version:
            return file
        if file.name not in self._measured:
            anew = renamed(file, version)
            folder = anew.rpartition("/")[0]
            if anew in self._lake.store.names(folder):
                self._measured[file.name] = file.model_copy(update={"name": anew})
            else:
                rows = measured_anew(self._lake.read(file), self._meter)
                self._measured[file.name] = self._lake.replace(name, file, rows, version)
        return self._measured[file.name]

    def _in_memory(self, rows: pa.Table) -> "ibis.Table":
        import ibis

        if self._backend.name == "duckdb":
            return ibis.memtable(rows)
        from pyarrow import parquet

        # other engines would take them by way of pandas, which has no exact decimals
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="examsgraph-"))
            weakref.finalize(self, rmtree, self._scratch, ignore_errors=True)
        file = self._scratch / f"{len(list(self._scratch.iterdir()))}.parquet"
        parquet.write_table(rows, file)
        return read_parquet(self._backend, [str(file)], self._lake.store, rows.schema)


def _may_hold(file: LakeFile, period: Period) -> bool:
    since, until = _utc(period.since), _utc(period.until)
    return (since is None or file.ended >= since) and (until is None or file.began < until)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
