"""What alerts know, in one SQLite file: how far they read, what they counted, incidents and the outbox."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["LOCK", "State", "has_state", "open_state", "state_file"]

_FOLDER = "alerts"
_FILE = "state.sqlite"
_VERSION = 1
LOCK = "run.lock"
"""The file beside the state that is locked by whoever watches."""

# slots are minutes since 1970 (UTC), of costs the day's ordinal by the zone's clock
_TABLES = """
create table if not exists known (name text primary key, value text not null) without rowid;
create table if not exists place (segment text primary key, offset integer not null) without rowid;
create table if not exists tally (
    measure text, subject text, slot integer,
    matching integer not null, total integer not null, usd text not null,
    primary key (measure, subject, slot)) without rowid;
create table if not exists turn (
    trace_id text primary key, concept text, question text, minute integer not null) without rowid;
create table if not exists question (
    session_id text, question_id text, concept text, question text, minute integer not null,
    primary key (session_id, question_id)) without rowid;
create table if not exists example (
    event_id text primary key, concept text not null, minute integer not null,
    question_id text, question text, said text, score integer not null) without rowid;
create table if not exists incident (
    id integer primary key, rule text not null, subject text not null, title text not null,
    opened_at text not null, told_at text not null, clear_since text, resolved_at text);
create unique index if not exists one_open on incident (rule, subject) where resolved_at is null;
create table if not exists message (
    id integer primary key, channel text not null, incident_id integer not null, event text not null,
    notice text, state text not null, attempts integer not null default 0, error text,
    made_at text not null, settled_at text);
create index if not exists pending on message (channel, id) where state = 'pending';
create table if not exists channel (
    name text primary key, next_try_at text not null, failures integer not null) without rowid;
"""


class State:
    """The open file. What stands in one `transaction` is there as a whole or not at all, after any crash."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.sql = connection
        self.path = path

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Committed at the end of the block, undone where it raises."""
        self.sql.execute("begin immediate")
        try:
            yield self.sql
        except BaseException:
            self.sql.execute("rollback")
            raise
        self.sql.execute("commit")


def has_state(journal: Path) -> bool:
    """Whether anybody ever watched this journal."""
    return state_file(journal).is_file()


def state_file(journal: Path) -> Path:
    """Where the state of a journal's alerts is kept."""
    return journal / _FOLDER / _FILE


@contextmanager
def open_state(journal: Path) -> Iterator[State]:
    """The state of a journal's alerts, in its folder `alerts/`, which is made where there is none.

    Raises `InvalidInputError` where the file cannot be opened or a newer version wrote it.
    """
    path = state_file(journal)
    try:
        path.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _cannot(path, error) from error
    try:
        try:
            found = connection.execute("pragma user_version").fetchone()[0]
            if found > _VERSION:
                raise InvalidInputError(f"{path} was written by a newer version of this package: update it")
            # the outbox is a promise: it is on the disk when it is made
            connection.execute("pragma synchronous = full")
            # learners' words are gone from the disk when they are deleted
            connection.execute("pragma secure_delete = on")
            connection.executescript(_TABLES)
            if found != _VERSION:  # a reader that need not write waits for nobody
                connection.execute(f"pragma user_version = {_VERSION}")
        except sqlite3.Error as error:
            raise _cannot(path, error) from error
        yield State(connection, path)
    finally:
        connection.close()


def _cannot(path: Path, error: Exception) -> InvalidInputError:
    return InvalidInputError(
        f"expected to keep what alerts know in {path}, cannot ({error}): let this user write there"
    )
