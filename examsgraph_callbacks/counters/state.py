"""How far a journal was counted, and what it came to: one SQLite file, which all servers of it share."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

from examsgraph_callbacks.counters.series import HISTOGRAMS, OTHER, SERIES, UNKNOWN, Number
from examsgraph_callbacks.counters.sums import Key, Sums
from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["AS_IT_IS", "State", "counting"]

AS_IT_IS = 1
"""Of a series that is shown with its value; it is never shown as 0 again."""

_FOLDER = "counters"
_FILE = "state.sqlite"
_VERSION = 1
_PATIENCE_SECONDS = 3.0
"""How long another server may be at it; Prometheus waits 10 s for an answer by default."""

_TABLES = """
create table if not exists known (name text primary key, value text not null) without rowid;
create table if not exists place (segment text primary key, offset integer not null) without rowid;
create table if not exists compacted (name text primary key) without rowid;
create table if not exists series (
    name text, labels text, sums text not null, shown integer not null,
    primary key (name, labels)) without rowid;
create table if not exists turn (
    trace_id text primary key, concept text, variant text, day integer not null) without rowid;
create table if not exists question (key blob primary key, concept text not null, day integer not null)
    without rowid;
create index if not exists turn_by_day on turn (day);
create index if not exists question_by_day on question (day);
create table if not exists spent (day integer primary key, usd text not null);
"""


class State:
    """The open file, within one transaction."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self.sql = sql

    def known(self, name: str) -> str | None:
        """What was noted under a name."""
        row = self.sql.execute("select value from known where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def note(self, name: str, value: str) -> None:
        """Note something under a name."""
        self.sql.execute("insert or replace into known values (?, ?)", (name, value))

    def offsets(self) -> dict[str, int]:
        """How far each segment was read, in bytes."""
        return dict(self.sql.execute("select segment, offset from place").fetchall())

    def compacted(self) -> frozenset[str]:
        """The commits of the lake that are counted."""
        return frozenset(name for (name,) in self.sql.execute("select name from compacted"))

    def keep_place(
        self, before: Mapping[str, int], after: Mapping[str, int], compacted: Iterable[str]
    ) -> None:
        """Note how far it was read, and which commits are counted."""
        changed = [(name, offset) for name, offset in after.items() if before.get(name) != offset]
        self.sql.executemany("insert or replace into place values (?, ?)", changed)
        gone = [(name,) for name in before if name not in after]
        self.sql.executemany("delete from place where segment = ?", gone)
        self.sql.execute("delete from compacted")
        self.sql.executemany("insert into compacted values (?)", [(name,) for name in compacted])

    def sums(self) -> Sums:
        """What was counted so far."""
        values: dict[Key, list[Number]] = {}
        known: dict[str, set[str]] = {}
        for name, labels, sums in self.sql.execute("select name, labels, sums from series"):
            if name in SERIES and len(told := tuple(json.loads(labels))) == len(SERIES[name].labels):
                read = [Decimal(each) if isinstance(each, str) else each for each in json.loads(sums)]
                if SERIES[name].kind == "histogram" and len(read) != len(HISTOGRAMS[name]) + 2:
                    continue
                values[name, told] = read
                for label, value in zip(SERIES[name].labels, told, strict=True):
                    if value not in {OTHER, UNKNOWN}:
                        known.setdefault(label, set()).add(value)
        return Sums(values, known)

    def shown(self) -> dict[Key, int]:
        """The series that were shown before: since when as 0 (seconds since 1970), `AS_IT_IS` by now."""
        rows = self.sql.execute("select name, labels, shown from series where shown")
        return {(name, tuple(json.loads(labels))): shown for name, labels, shown in rows}

    def keep_sums(self, sums: Sums, shown: Mapping[Key, int]) -> None:
        """Note what was counted, and what changed of how series are shown."""
        rows = [
            (name, _text(labels), json.dumps(sums.values[name, labels], default=str))
            for name, labels in sums.changed
        ]
        self.sql.executemany(
            "insert into series values (?, ?, ?, 0) on conflict do update set sums = excluded.sums", rows
        )
        self.sql.executemany(
            "update series set shown = ? where name = ? and labels = ?",
            [(how, name, _text(labels)) for (name, labels), how in shown.items()],
        )


@contextmanager
def counting(journal: Path) -> Iterator[State]:
    """The state of a journal's counters, in its folder `counters/`, for the block alone.

    All of what the block changes is kept, or none of it where it raises. Raises `InvalidInputError` where the
    file cannot be opened, or a newer version wrote it.
    """
    path = journal / _FOLDER / _FILE
    try:
        path.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
        opened = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _cannot(path, error) from error
    with closing(opened) as sql:
        try:
            found = sql.execute("pragma user_version").fetchone()[0]
            if found > _VERSION:
                raise InvalidInputError(f"{path} was written by a newer version of this package: update it")
            if found != _VERSION:
                sql.execute("pragma journal_mode = wal")
            if found != _VERSION or not _is_indexed(sql):
                sql.executescript(_TABLES)
                sql.execute(f"pragma user_version = {_VERSION}")
            # a power cut may take the last looks back, places and sums together
            sql.execute("pragma synchronous = normal")
            sql.execute("begin immediate")
        except sqlite3.Error as error:
            raise _cannot(path, error) from error
        try:
            yield State(sql)
        except BaseException:
            sql.execute("rollback")
            raise
        sql.execute("commit")


def _is_indexed(sql: sqlite3.Connection) -> bool:
    """Whether what is old is found without looking through all: a file of before may have no index."""
    return sql.execute("select 1 from sqlite_master where name = 'question_by_day'").fetchone() is not None


def _text(labels: tuple[str, ...]) -> str:
    return json.dumps(labels, ensure_ascii=False)


def _cannot(path: Path, error: Exception) -> InvalidInputError:
    todo = "let this user write there"
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        todo = f"it is damaged, delete the folder {path.parent}, and all is counted anew from the journal"
    elif "locked" in str(error):
        todo = "another server counts this journal now, it is told at the next look"
    return InvalidInputError(f"expected to keep what is counted in {path}, cannot ({error}): {todo}")
