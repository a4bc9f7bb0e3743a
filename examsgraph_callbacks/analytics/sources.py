"""Where the rows come from: the journal's open segments, read as far as they are written at this moment."""

import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from examsgraph_callbacks.analytics.tables import TABLES, tables_of
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.columns import read_columns
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
    """How far a segment was read, and what it added to each table."""

    end: int = 0
    written_at: datetime | None = None
    rows: dict[str, list[pa.Table]] = field(default_factory=lambda: {name: [] for name in TABLES})


class Sources:
    """A journal as tables of an engine; of what it read before, nothing is read again."""

    def __init__(self, journal: Journal, meter: Meter, backend: "BaseBackend") -> None:
        self._journal = journal
        self._meter = meter
        self._backend = backend
        self._read: dict[str, _Read] = {}

    def tables(self) -> Tables:
        """The tables at this moment, whatever was written last among them."""
        self._read_on()
        return Tables(**{name: self._table(name) for name in TABLES})

    def _read_on(self) -> None:
        segments = self._journal.segments()
        self._read = {path.name: self._read.get(path.name, _Read()) for path in segments}
        for path in segments:
            read = self._read[path.name]
            with suppress(FileNotFoundError):
                if path.stat().st_size == read.end:
                    continue
                for part in read_columns(path, read.end, read.written_at):
                    for name, rows in tables_of(part.facts, self._meter).items():
                        read.rows[name].append(rows)
                    read.end = part.end
                    if part.facts.num_rows:
                        read.written_at = part.facts["written_at"][-1].as_py()

    def _table(self, name: str) -> "ibis.Table":
        rows = [each for read in self._read.values() for each in read.rows[name]]
        return self._in_memory(pa.concat_tables(rows) if rows else TABLES[name].empty_table())

    def _in_memory(self, rows: pa.Table) -> "ibis.Table":
        import ibis

        if self._backend.name == "duckdb":
            return ibis.memtable(rows)
        from pyarrow import parquet

        # other engines would take it by way of pandas, which has no exact decimals
        folder = Path(tempfile.mkdtemp(prefix="examsgraph-"))
        parquet.write_table(rows, folder / "rows.parquet")
        return self._backend.read_parquet(folder / "rows.parquet")
