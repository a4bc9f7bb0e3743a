"""Erases one learner's facts from a journal: in its segments in place, in its lake by files written anew."""

import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from examsgraph_callbacks.background.locks import is_written
from examsgraph_callbacks.errors import JournalUnavailableError
from examsgraph_callbacks.journal.journal import Journal
from examsgraph_callbacks.journal.lake import COMPACT_LOCK, FACTS, Lake, LakeFile, lake_of
from examsgraph_callbacks.journal.learner import Learner
from examsgraph_callbacks.journal.reader import read_line
from examsgraph_callbacks.journal.store import Folder
from examsgraph_callbacks.journal.torn import torn_files

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["blank", "forget", "forgotten_mark"]

_MARK = ".forgotten"
_NOTE = ".forgetting-"
_PLACES = ("traces", "sessions", "events", "unnamed")
_AT_ONCE = 64 * 1024
_PATIENCE = timedelta(minutes=5)


def forget(journal: Journal, learner: Learner, patience: timedelta = _PATIENCE) -> int:
    """Erase the learner's facts; returns how many lines and rows of facts that were.

    In a segment the bytes of a fact become empty lines: nothing else moves, so that whoever writes to it
    goes on, and a shipper finds its place. Doing it again changes nothing. Raises
    `JournalUnavailableError` where a file cannot be written, or a compaction takes longer than `patience`.
    Cut short at any moment, it is to be done again: what it had set out to erase is kept until it has.
    """
    if not journal.path.is_dir():
        return 0
    with _no_compaction(journal.path, patience), _intent(journal.path, learner):
        erased = sum(
            blank(file, _is_learners(learner), torn_too=not is_written(file))
            for file in (*journal.segments(), *torn_files(journal.path))
        )
        erased += _forget_in_lake(lake_of(journal.path), learner)
        (journal.path / _MARK).touch()
    return erased


def forgotten_mark(journal: Path) -> int:
    """A number that changes when somebody was forgotten: what was read before is to be read anew."""
    try:
        return (journal / _MARK).stat().st_mtime_ns
    except OSError:
        return 0


def blank(file: Path, is_to_go: Callable[[bytes], bool], *, torn_too: bool = True) -> int:
    """Turn the lines that are to go into empty ones, in place; returns how many that were.

    A last line without an end is left alone unless it is torn for good.
    """
    blanked = 0
    try:
        with suppress(FileNotFoundError), file.open("r+b") as opened:
            offset = 0
            for line in opened:
                if (torn_too or line.endswith(b"\n")) and line != b"\n" and is_to_go(line):
                    _blank_line(opened.fileno(), offset, len(line))
                    blanked += 1
                offset += len(line)
            if blanked:
                os.fsync(opened.fileno())
    except OSError as error:
        raise JournalUnavailableError(
            f"expected to erase facts from {file}, cannot write it ({error.strerror}): let this user write "
            "there and forget again",
        ) from error
    return blanked


def _blank_line(descriptor: int, offset: int, length: int) -> None:
    # from its end: cut short, what is left is the beginning, by which it is known whose it was
    while length:
        some = min(length, _AT_ONCE)
        if os.pwrite(descriptor, b"\n" * some, offset + length - some) < some:
            raise OSError(errno.EIO, "the disk took a part of it")
        length -= some


@contextmanager
def _intent(journal: Path, learner: Learner) -> Iterator[None]:
    """Note what is to be erased until it is: without a turn's root nobody would know whose its calls are."""
    notes = _notes(journal, learner)
    for earlier in notes.values():
        for name in _PLACES:
            getattr(learner, name).update(earlier[name])
    note = journal / f"{_NOTE}{uuid4().hex}.json"
    content = {name: sorted(getattr(learner, name)) for name in ("user_ids", *_PLACES)}
    try:
        Folder(journal).write(note.name, json.dumps(content).encode())
    except OSError as error:
        raise JournalUnavailableError(
            f"expected to note in {journal} what is to be erased, cannot write there ({error.strerror}): let "
            "this user write there and forget again, nothing is erased yet",
        ) from error
    yield
    for each in (*notes, note):
        each.unlink(missing_ok=True)


def _notes(journal: Path, learner: Learner) -> dict[Path, dict[str, list[str]]]:
    found: dict[Path, dict[str, list[str]]] = {}
    for path in journal.glob(f"{_NOTE}*.json"):
        content = json.loads(path.read_bytes())
        if not learner.user_ids.isdisjoint(content["user_ids"]):
            found[path] = content
    return found


def _is_learners(learner: Learner) -> Callable[[bytes], bool]:
    def is_learners(line: bytes) -> bool:
        fact = read_line(line)
        return learner.is_named_in(line) if isinstance(fact, str) else learner.owns(fact)

    return is_learners


def _forget_in_lake(lake: Lake, learner: Learner) -> int:
    erased = 0
    for commit in lake.commits():
        files: dict[str, tuple[LakeFile, ...]] = {}
        facts = commit.facts
        for table, of_table in commit.files.items():
            kept = []
            for file in of_table:
                rows = lake.read(file)
                rest = rows.filter(_staying(table, rows, learner))
                if table == FACTS:
                    facts -= rows.num_rows - rest.num_rows
                if rest.num_rows == rows.num_rows:
                    kept.append(file)
                elif rest.num_rows:
                    kept.append(lake.rewrite(table, file, rest))
            files[table] = tuple(kept)
        if files != commit.files:
            erased += commit.facts - facts
            lake.supersede(commit, files, facts)
    lake.clean()
    return erased


def _staying(table: str, rows: "pa.Table", learner: Learner) -> "pa.ChunkedArray":
    """Which rows are not the learner's."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if table == "turns":
        theirs = pc.is_in(rows["user_id"], pa.array(sorted(learner.user_ids), pa.string()))
        of_nobody = pc.and_(
            pc.is_null(rows["user_id"]),
            pc.or_(
                pc.is_in(rows["trace_id"], pa.array(sorted(learner.traces), pa.string())),
                pc.is_in(rows["session_id"], pa.array(sorted(learner.sessions), pa.string())),
            ),
        )
        return pc.invert(pc.or_(theirs, of_nobody))
    # never by its id alone: who writes facts of their own may give two the same
    named = pc.fill_null(pc.is_in(rows["user_id"], pa.array(sorted(learner.user_ids), pa.string())), False)
    theirs = pc.is_in(rows["event_id"], pa.array(sorted(learner.events), pa.string()))
    of_turn = pc.is_in(rows["trace_id"], pa.array(sorted(learner.traces), pa.string()))
    gone = pc.or_(named, pc.and_(pc.is_null(rows["user_id"]), pc.or_(theirs, of_turn)))
    if table == FACTS:
        unread = [
            kind is None and learner.is_named_in(line.as_py())
            for kind, line in zip(rows["kind"].to_pylist(), rows["line"], strict=True)
        ]
        gone = pc.or_(gone, pa.array(unread, pa.bool_()))
    return pc.invert(gone)


@contextmanager
def _no_compaction(journal: Path, patience: timedelta) -> Iterator[None]:
    """Hold what compactions hold; the system frees it when the process ends, however it ends."""
    until = time.monotonic() + patience.total_seconds()
    with (journal / COMPACT_LOCK).open("a+b") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() >= until:
                    raise JournalUnavailableError(
                        f"expected nobody to compact {journal}, somebody still does: forget again later"
                    ) from None
                time.sleep(0.1)
            else:
                break
        yield
