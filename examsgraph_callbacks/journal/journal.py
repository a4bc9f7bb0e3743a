"""The journal as its users see it: a place to write facts to and to read them from, in order."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from examsgraph_callbacks.defaults import LAKE_FOLDER
from examsgraph_callbacks.errors import InvalidInputError, JournalUnavailableError
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal.encode import encode_fact, encode_fields
from examsgraph_callbacks.journal.reader import Problem, log_problem
from examsgraph_callbacks.journal.writer import shared_writer
from examsgraph_callbacks.settings import current_settings

if TYPE_CHECKING:
    from examsgraph_callbacks.journal.lake import Lake

__all__ = ["Journal"]


class Journal:
    """A directory of facts.

    The place is `path`, else `EXAMSGRAPH_JOURNAL`, else `./.examsgraph/journal`; it is made by the
    first write. Raises `InvalidInputError` where the place is a file.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        # absolute, so that a host that changes its working directory keeps one journal
        self.path = Path(current_settings().journal if path is None else path).absolute()
        if self.path.exists() and not self.path.is_dir():
            raise InvalidInputError(
                f"expected a directory for the journal, found a file at {self.path}: "
                "pass another path, or set EXAMSGRAPH_JOURNAL",
            )
        self._writer = shared_writer(self.path)

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r})"

    def write(self, fact: Fact) -> None:
        """Append one fact with one `write()`, before this returns; safe in threads and after a fork.

        Never raises for a full or missing disk: facts are then held in memory and written when it
        clears (see `dropped`).
        """
        self._writer.write(encode_fact(fact))

    def write_fields(self, fields: Mapping[str, object]) -> None:
        """The same for a fact given as its fields, those that are None left out.

        Nothing is checked: this is for capture, which has no time to, and whose fields are right.
        """
        self._writer.write(encode_fields(fields))

    def insist_on_fields(self, fields: Mapping[str, object]) -> None:
        """The same for who tells somebody else that the fact is written.

        Raises `JournalUnavailableError` where the disk does not take it now; it is then not held either.
        """
        try:
            self._writer.insist(encode_fields(fields))
        except OSError as error:
            raise JournalUnavailableError(
                f"the journal cannot be written now: {error.strerror or error}"
            ) from error

    def sync(self) -> None:
        """Have the disk itself hold what this process wrote (`fsync`): that survives a power cut too.

        Takes milliseconds. Raises `JournalUnavailableError` where the disk fails.
        """
        try:
            self._writer.sync()
        except OSError as error:
            raise JournalUnavailableError(
                f"the disk cannot hold the journal: {error.strerror or error}"
            ) from error

    @property
    def held(self) -> int:
        """How many facts wait in memory because the disk refused them."""
        return self._writer.held

    @property
    def dropped(self) -> int:
        """How many facts this process had to drop because memory for held facts ran out too."""
        return self._writer.dropped

    def close(self) -> None:
        """Write what is held, if the disk lets us, and close this process's segment."""
        self._writer.close()

    def segments(self) -> list[Path]:
        """The segment files, oldest first."""
        return sorted(self.path.glob("*.jsonl"))

    def read(
        self, on_problem: Callable[[Problem], None] = log_problem, *, lake: str | None = None
    ) -> Iterator[Fact]:
        """Every fact, in the order in which they were written, across all processes' segments and the lake.

        Streams: only segments that overlap in time are open at once. Lines that cannot be read are
        passed to `on_problem` (by default logged) and skipped. What is written meanwhile may be read or
        not; a segment that is deleted before its turn is not. Raises `SchemaError` for facts of a newer
        major schema version. `lake` is where the lake is, if not where it is configured to be.
        """
        from examsgraph_callbacks.journal.lake import covered_by
        from examsgraph_callbacks.journal.order import in_order, of_commit, of_segment

        # a segment is removed long after it is in the lake: seen first, it is found in one of the two
        segments = self.segments()
        found = self._lake(lake)
        commits = found.commits() if found else []
        covered = covered_by(commits)
        sources = [of_segment(path, covered.get(path.name), on_problem) for path in segments]
        if found:
            sources += [of_commit(found, commit, on_problem) for commit in commits]
        yield from in_order(source for source in sources if source is not None)

    def _lake(self, place: str | None) -> "Lake | None":
        """The compacted part, where there is one; whoever never compacts imports nothing for it."""
        if place is None and current_settings().lake is None and not (self.path / LAKE_FOLDER).is_dir():
            return None
        from examsgraph_callbacks.journal.lake import lake_of

        return lake_of(self.path, place)
