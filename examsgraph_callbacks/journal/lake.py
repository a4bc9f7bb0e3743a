"""The compacted part of a journal: Parquet files by date, and the commits that say which of them count."""

import errno
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from examsgraph_callbacks.background.locks import is_written
from examsgraph_callbacks.defaults import LAKE_FOLDER
from examsgraph_callbacks.errors import LakeUnavailableError
from examsgraph_callbacks.journal.store import Folder, Store, open_store
from examsgraph_callbacks.settings import current_settings

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "COMPACT_LOCK",
    "FACTS",
    "Commit",
    "Lake",
    "LakeFile",
    "Span",
    "covered_by",
    "lake_of",
    "renamed",
    "waiting_bytes",
]

COMPACT_LOCK = ".compact.lock"
"""The file in a journal that is locked by whoever rewrites its lake."""

FACTS = "facts"
"""The table of the facts themselves, each with the line that it was written as."""

_COMMITS = "commits"
_LOOKS = 100
_ON_ITS_WAY = timedelta(hours=1)
_OUR_FILE = re.compile(
    r"(?P<folder>\w+/(?:date|month)=[\d-]+/)\.?(?P<stem>\d{8}T\d{12}-[0-9a-f]{8})\.[\w.]*(?:parquet|draft)"
)
_RARELY_TWICE = frozenset({"line", "event_id", "trace_id", "position"})
_ROWS_A_GROUP = 131_072


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Span(_Frozen):
    """The bytes of a segment from `begin` until before `end`, and when (UTC) the last of its facts came."""

    begin: int
    end: int
    written_at: datetime


class LakeFile(_Frozen):
    """A Parquet file, its rows, and when (UTC) the earliest and the latest of them began."""

    name: str
    rows: int
    began: datetime
    ended: datetime


class Commit(_Frozen):
    """What one compaction added: which bytes of which segments, and in which files of which tables.

    A file that no commit names does not count: so a compaction that was cut short never happened. Nor
    does a commit that another one `replaces`. The figures in `calls` are those of the meter `measured_by`.
    """

    name: str
    at: datetime
    facts: int
    measured_by: str
    replaces: str | None = None
    segments: dict[str, Span] = Field(default_factory=dict)
    files: dict[str, tuple[LakeFile, ...]] = Field(default_factory=dict)


class Lake:
    """The files in a store, by table and by when facts were written (UTC).

    Facts lie by the day. What questions read lies by the month: a question opens every file, and a year of
    small days would be slower to open than to read.
    """

    def __init__(self, store: Store, *, is_shared: bool = True) -> None:
        self.store = store
        self._is_shared = is_shared
        self._seen: dict[str, Commit] = {}

    def commits(self) -> list[Commit]:
        """The commits of this moment, oldest first, or `LakeUnavailableError`."""
        missing = FileNotFoundError()
        for _ in range(_LOOKS):
            try:
                self._seen = {
                    name: self._seen.get(name) or Commit.model_validate_json(self.store.read(name))
                    for name in self.store.names(_COMMITS)
                }
            except FileNotFoundError as error:
                # replaced while they were read: what replaced it stands there before it goes
                missing = error
                continue
            replaced = {commit.replaces for commit in self._seen.values()}
            return [commit for commit in self._seen.values() if commit.name not in replaced]
        raise LakeUnavailableError(missing) from missing

    def commit(
        self,
        tables: Mapping[str, "pa.Table"],
        segments: Mapping[str, Span],
        measured_by: str,
        now: datetime,
    ) -> Commit:
        """Add rows, all at once or, where this is cut short, none of them.

        Each table has `written_at` and `started_at`; `facts` is one of them.
        """
        name = f"{now:%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}"
        files = {table: tuple(self._written(table, rows, name)) for table, rows in tables.items()}
        commit = Commit(
            name=name,
            at=now,
            facts=tables[FACTS].num_rows,
            measured_by=measured_by,
            segments=dict(segments),
            files=files,
        )
        self.store.write(f"{_COMMITS}/{name}.json", commit.model_dump_json(indent=1).encode())
        return commit

    def replace(self, table: str, file: LakeFile, rows: "pa.Table", measured_by: str) -> LakeFile:
        """Write a file anew beside the one that it replaces; whoever asks for it names `measured_by`."""
        name = renamed(file, measured_by)
        self.store.write(name, _parquet(table, rows))
        if file.name not in self.store.names(file.name.rpartition("/")[0]):
            # somebody was forgotten meanwhile: the rows are those of before
            self.store.remove(name)
            raise FileNotFoundError(errno.ENOENT, "replaced meanwhile", file.name)
        return file.model_copy(update={"name": name})

    def rewrite(self, table: str, file: LakeFile, rows: "pa.Table") -> LakeFile:
        """Write what is left of a file's rows under another name, which counts once a commit names it."""
        folder = file.name.rpartition("/")[0]
        name = f"{folder}/{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}.parquet"
        self.store.write(name, _parquet(table, rows))
        return file.model_copy(update={"name": name, "rows": rows.num_rows})

    def supersede(self, commit: Commit, files: Mapping[str, tuple[LakeFile, ...]], facts: int) -> None:
        """Have `files` stand for those of a commit, all at once; what they replace is removed."""
        name = f"{commit.name.partition('~')[0]}~{uuid4().hex[:8]}"
        changes = {"name": name, "facts": facts, "files": dict(files), "replaces": commit.name}
        following = commit.model_copy(update=changes)
        self.store.write(f"{_COMMITS}/{name}.json", following.model_dump_json(indent=1).encode())
        self._remove_replaced(commit, following)

    def clean(self) -> None:
        """Remove what a replacement or a commit left behind that was cut short.

        Whoever calls this holds the journal's lock. Where other journals may share the store, a file that no
        commit names is theirs perhaps, on its way to a commit, and stays for `_ON_ITS_WAY`.
        """
        commits = self.commits()
        for commit in list(self._seen.values()):
            replaced = next((each for each in self._seen.values() if each.name == commit.replaces), None)
            if replaced is not None:
                self._remove_replaced(replaced, commit)
        known = {file.name for commit in commits for files in commit.files.values() for file in files}
        since = f"{datetime.now(UTC) - _ON_ITS_WAY:%Y%m%dT%H%M%S%f}" if self._is_shared else None
        for name in self.store.every_name():
            ours = _OUR_FILE.fullmatch(name)
            if not ours or f"{ours['folder']}{ours['stem']}.parquet" in known:
                continue
            if since is None or ours["stem"] < since:
                self.store.remove(name)

    def _remove_replaced(self, commit: Commit, following: Commit) -> None:
        """Remove the files of a commit that the following one has no more, however they were measured."""
        kept = {file.name for files in following.files.values() for file in files}
        for files in commit.files.values():
            for file in files:
                if file.name not in kept:
                    # first: who measures it anew at this moment looks whether it is still there
                    self.store.remove(file.name)
                    base = file.name.removesuffix("parquet")
                    for name in self.store.names(file.name.rpartition("/")[0]):
                        if name.startswith(base):
                            self.store.remove(name)
        self.store.remove(f"{_COMMITS}/{commit.name}.json")

    def following(self, commit: Commit) -> Commit | None:
        """What stands for a commit now that somebody was forgotten; None where it stands for itself."""
        stem = commit.name.partition("~")[0]
        return next(
            (each for each in self.commits() if each != commit and each.name.partition("~")[0] == stem), None
        )

    def read(self, file: LakeFile, columns: Iterable[str] | None = None) -> "pa.Table":
        """The rows of a file."""
        from pyarrow import BufferReader, parquet

        return parquet.read_table(
            BufferReader(self.store.read(file.name)), columns=None if columns is None else list(columns)
        )

    def batches(self, file: LakeFile, columns: Iterable[str]) -> Iterator["pa.RecordBatch"]:
        """The same some thousands at a time."""
        from pyarrow import BufferReader, parquet

        source = (
            self.store.address(file.name)
            if isinstance(self.store, Folder)
            else BufferReader(self.store.read(file.name))
        )
        with parquet.ParquetFile(source) as opened:
            yield from opened.iter_batches(4096, columns=list(columns))

    def _written(self, table: str, rows: "pa.Table", commit: str) -> Iterator[LakeFile]:
        import pyarrow.compute as pc

        for partition, part in _by_date(rows, "date" if table == FACTS else "month"):
            name = f"{table}/{partition}/{commit}.parquet"
            self.store.write(name, _parquet(table, part))
            ends = pc.min_max(part["started_at"])
            yield LakeFile(
                name=name,
                rows=part.num_rows,
                began=_utc(ends["min"].as_py()),
                ended=_utc(ends["max"].as_py()),
            )


def covered_by(commits: Iterable[Commit]) -> dict[str, Span]:
    """What of each segment is in the lake, by its name."""
    spans: dict[str, Span] = {}
    for commit in commits:
        for name, span in commit.segments.items():
            spans[name] = max(spans.get(name, span), span, key=lambda each: each.end)
    return spans


def lake_of(journal: Path, place: str | None = None) -> Lake:
    """The lake of a journal: at `place`, else where `EXAMSGRAPH_LAKE` says, else in the journal's folder."""
    own = journal / LAKE_FOLDER
    elsewhere = place or current_settings().lake
    return Lake(open_store(elsewhere or own), is_shared=elsewhere is not None)


def waiting_bytes(journal: Path, segments: Iterable[Path]) -> int:
    """How many bytes of `segments` nobody writes to any more, and are not in the lake."""
    covered = covered_by(lake_of(journal).commits())
    waiting = 0
    for path in segments:
        with suppress(FileNotFoundError):
            span = covered.get(path.name)
            beyond = path.stat().st_size - (span.end if span else 0)
            if beyond > 0 and not is_written(path):
                waiting += beyond
    return waiting


def renamed(file: LakeFile, measured_by: str) -> str:
    """The name of a file that holds the same rows as measured by another meter."""
    from hashlib import sha256

    return f"{file.name.removesuffix('.parquet')}.{sha256(measured_by.encode()).hexdigest()[:12]}.parquet"


def _by_date(rows: "pa.Table", by: str) -> Iterator[tuple[str, "pa.Table"]]:
    """The rows of each day, or month, under the name of its folder."""
    import pyarrow.compute as pc

    form, unit = ("%Y-%m-%d", "day") if by == "date" else ("%Y-%m", "month")
    if not rows.num_rows:
        return
    ends = pc.min_max(rows["written_at"])
    if ends["min"].as_py().strftime(form) == ends["max"].as_py().strftime(form):
        yield f"{by}={ends['min'].as_py():{form}}", rows
        return
    began = pc.floor_temporal(rows["written_at"], unit=unit)
    # as they are written in order, a day's rows mostly stand together, and need not be copied
    runs = pc.run_end_encode(began.combine_chunks())
    begins, ends = runs.values.to_pylist(), runs.run_ends.to_pylist()
    if begins == sorted(begins):
        for begin, first, end in zip(begins, [0, *ends], ends, strict=False):
            yield f"{by}={begin:{form}}", rows.slice(first, end - first)
        return
    for begin in sorted(set(begins)):
        yield f"{by}={begin:{form}}", rows.filter(pc.equal(began, begin))


def _parquet(table: str, rows: "pa.Table") -> memoryview:
    from pyarrow import BufferOutputStream, parquet

    content = BufferOutputStream()
    parquet.write_table(
        rows,
        content,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in rows.column_names if name not in _RARELY_TWICE],
        row_group_size=_ROWS_A_GROUP if table != FACTS else _ROWS_A_GROUP // 8,
    )
    return memoryview(content.getvalue())


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
