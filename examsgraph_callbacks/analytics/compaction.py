"""Compaction: what nobody writes any more goes from JSON lines to Parquet, typed and measured once."""

import fcntl
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from examsgraph_callbacks.analytics.tables import tables_of
from examsgraph_callbacks.background.locks import is_written
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.columns import SegmentPart, read_columns
from examsgraph_callbacks.journal.lake import COMPACT_LOCK, FACTS, Commit, Lake, Span, covered_by, lake_of
from examsgraph_callbacks.journal.torn import set_aside, torn_files
from examsgraph_callbacks.measure import Meter, configured_meter

__all__ = ["GRACE", "ROWS_A_COMMIT", "Compaction", "compact"]

GRACE = timedelta(minutes=10)
"""How long a segment stays after it was compacted, for those who have begun to read it."""

ROWS_A_COMMIT = 500_000
"""Facts that are held in memory and written together: their columns take about 300 MB."""

_BYTES_A_COMMIT = 256 * 1024 * 1024
_ALONE = 8
_KEPT = ("kind", "event_id", "trace_id", "user_id", "started_at", "segment", "position", "written_at", "line")


@dataclass(frozen=True, slots=True)
class Compaction:
    """What one compaction did: `facts` of `segments` that were compacted, and segments `removed`.

    Those `kept` are compacted, and stay until they are shipped and not read any more. `torn` are the files
    of last lines that a crash cut short, set aside now or before. `busy` says that another process was
    compacting.
    """

    facts: int = 0
    segments: int = 0
    removed: int = 0
    kept: int = 0
    torn: tuple[Path, ...] = ()
    busy: bool = False


def compact(
    journal: Journal,
    meter: Meter | None = None,
    *,
    is_delivered: Callable[[Path, int], bool],
    lake: Lake | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    grace: timedelta = GRACE,
    rows_a_commit: int = ROWS_A_COMMIT,
) -> Compaction:
    """Move to the lake what stands in segments that nobody writes to.

    Cut short at any moment, each fact stands in a segment or in the lake, and is read once. A segment
    whose every byte is in the lake is removed `grace` after that, once `is_delivered(segment, size)`. A last
    line that a crash cut short is no fact: it is moved to a file of its own, and keeps no segment.
    """
    if not journal.path.is_dir():
        return Compaction()
    with _sole_compactor(journal.path) as alone, _memory_used_again():
        if not alone:
            return Compaction(busy=True)
        lake = lake or lake_of(journal.path)
        lake.clean()
        removed = _remove(journal, lake, is_delivered, now() - grace)
        facts = segments = 0
        with ThreadPoolExecutor(1, "examsgraph-compact") as writer:
            pending: Future[Commit] | None = None
            for batch in _batches(journal, covered_by(lake.commits()), rows_a_commit):
                # while one is written, the next is read
                following = writer.submit(
                    _commit_after, pending, lake, batch, meter or configured_meter(), now
                )
                if pending is not None:
                    pending.result()
                pending = following
                facts += batch.rows
                segments += len(batch.spans)
            if pending is not None:
                pending.result()
        covered = covered_by(lake.commits())
        kept = sum(path.name in covered for path in journal.segments())
        torn = tuple(torn_files(journal.path))
        return Compaction(facts=facts, segments=segments, removed=removed, kept=kept, torn=torn)


@dataclass(slots=True)
class _Batch:
    parts: list[SegmentPart] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)
    rows: int = 0
    size: int = 0

    def add(self, part: SegmentPart) -> None:
        name = part.segment.name
        begin = self.spans[name].begin if name in self.spans else part.begin
        written_at = part.facts["written_at"][-1].as_py()
        self.spans[name] = Span(begin=begin, end=part.end, written_at=written_at)
        self.parts.append(part)
        self.rows += part.facts.num_rows
        self.size += part.end - part.begin


def _batches(journal: Journal, covered: dict[str, Span], rows_a_commit: int) -> Iterator[_Batch]:
    batch = _Batch()
    for path in journal.segments():
        if is_written(path):
            continue
        span = covered.get(path.name)
        begin, written_at = (span.end, span.written_at) if span else (0, None)
        for part in read_columns(path, begin, written_at):
            if not part.facts.num_rows:
                continue
            batch.add(part)
            if batch.rows >= rows_a_commit or batch.size >= _BYTES_A_COMMIT:
                yield batch
                batch = _Batch()
        if batch.rows * _ALONE >= rows_a_commit:
            # enough by itself: it is in order as it stands, and need not be sorted in with others
            yield batch
            batch = _Batch()
    if batch.parts:
        yield batch


def _commit_after(
    previous: "Future[Commit] | None", lake: Lake, batch: _Batch, meter: Meter, now: Callable[[], datetime]
) -> Commit:
    # a segment counts as compacted up to the last byte of it in any commit: one that failed ends it here
    if previous is not None:
        previous.result()
    return _commit(lake, batch, meter, now)


def _commit(lake: Lake, batch: _Batch, meter: Meter, now: Callable[[], datetime]) -> Commit:
    facts = pa.concat_tables(
        part.facts.append_column("segment", pa.array([part.segment.name] * part.facts.num_rows, pa.string()))
        for part in batch.parts
    )
    if len(batch.spans) > 1:
        facts = facts.take(
            pc.sort_indices(
                facts.select(["written_at", "segment", "position"]),
                [("written_at", "ascending"), ("segment", "ascending"), ("position", "ascending")],
            )
        )
    kept = facts.select(_KEPT)
    began = pc.coalesce(kept["started_at"], kept["written_at"])
    kept = kept.set_column(kept.column_names.index("started_at"), "started_at", began)
    return lake.commit({FACTS: kept, **tables_of(facts, meter)}, batch.spans, meter.version, now())


def _remove(
    journal: Journal, lake: Lake, is_delivered: Callable[[Path, int], bool], committed_before: datetime
) -> int:
    """Remove the segments whose whole lines are in the lake, long enough, and delivered."""
    covered = covered_by(commit for commit in lake.commits() if commit.at <= committed_before)
    removed = 0
    for path in journal.segments():
        with suppress(FileNotFoundError):
            size = path.stat().st_size
            end = span.end if (span := covered.get(path.name)) else 0
            if not end or is_written(path) or not is_delivered(path, end):
                continue
            if end == size or set_aside(path, end):
                path.unlink()
                removed += 1
    return removed


@contextmanager
def _memory_used_again() -> Iterator[None]:
    """Have Arrow take memory from the C library.

    Its own allocator gives freed memory back at once, and the next part, as large, asks the system for it
    again page by page: that took a quarter of a compaction's time.
    """
    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(usual)


@contextmanager
def _sole_compactor(journal: Path) -> Iterator[bool]:
    with (journal / COMPACT_LOCK).open("a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
