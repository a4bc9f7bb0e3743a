"""The journal as its users see it: a place to write facts to and to read them from, in order."""

import heapq
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from examsgraph_callbacks.errors import InvalidInputError, JournalUnavailableError
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal.encode import encode_fact, encode_fields
from examsgraph_callbacks.journal.reader import Problem, log_problem, read_segment
from examsgraph_callbacks.journal.writer import shared_writer
from examsgraph_callbacks.settings import Settings

__all__ = ["Journal"]


class Journal:
    """A directory of facts.

    The place is `path`, else `EXAMSGRAPH_JOURNAL`, else `./.examsgraph/journal`; it is made by the
    first write. Raises `InvalidInputError` where the place is a file.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        # absolute, so that a host that changes its working directory keeps one journal
        self.path = Path(Settings().journal if path is None else path).absolute()
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

    def read(self, on_problem: Callable[[Problem], None] = log_problem) -> Iterator[Fact]:
        """Every fact, in the order in which they were written, across all processes' segments.

        Streams: only segments that overlap in time are open at once. Lines that cannot be read are
        passed to `on_problem` (by default logged) and skipped. What is written meanwhile may be read or
        not; a segment that is deleted before its turn is not. Raises `SchemaError` for facts of a newer
        major schema version.
        """
        waiting: list[tuple[datetime, int, Path]] = []
        for order, segment in enumerate(self.segments()):
            problems: list[Problem] = []
            first = next(_facts(segment, problems.append), None)
            if first is not None:
                waiting.append((_written_at(first, None), order, segment))
            else:
                # it will not be opened again, where a first look tells nothing yet
                for problem in problems:
                    on_problem(problem)
        heapq.heapify(waiting)
        running: list[tuple[datetime, int, Fact, Iterator[Fact]]] = []
        while waiting or running:
            if waiting and (not running or waiting[0][:2] <= running[0][:2]):
                _, order, segment = heapq.heappop(waiting)
                written_at, facts = None, _facts(segment, on_problem)
            else:
                written_at, order, fact, facts = running[0]
                yield fact
                heapq.heappop(running)
            following = next(facts, None)
            if following is not None:
                entry = (_written_at(following, written_at), order, following, facts)
                heapq.heappush(running, entry)


def _facts(segment: Path, on_problem: Callable[[Problem], None]) -> Iterator[Fact]:
    with suppress(FileNotFoundError):
        yield from (fact for _, fact in read_segment(segment, on_problem=on_problem))


def _written_at(fact: Fact, previous: datetime | None) -> datetime:
    # within a segment the order of writing holds, even where the clock was set back
    return fact.ended_at if previous is None else max(previous, fact.ended_at)
