"""A recording, be it a file that was cut out of a journal or a journal itself."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path

from examsgraph_callbacks.errors import RecordingError
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal, Problem
from examsgraph_callbacks.replay.lines import Header
from examsgraph_callbacks.replay.reading import FactLine, Flaw, read_fact_lines, read_file, read_file_header

__all__ = ["Recording", "chosen", "log_flaw"]

logger = logging.getLogger("examsgraph_callbacks")


def log_flaw(flaw: Flaw) -> None:
    """Log what is wrong with a recording as a warning."""
    logger.warning("a recording is not whole: %s", flaw)


class Recording:
    """The facts at `place`: a `.egrec.jsonl` file, compressed or not, or a journal's directory.

    Raises `RecordingError` where nothing is there, where it is no recording or of a newer format, and
    `SchemaError` where its facts are of a newer major schema.
    """

    def __init__(self, place: str | Path) -> None:
        self.path = Path(place).absolute()
        if not self.path.exists():
            raise RecordingError(
                f"expected a recording at {self.path}, found nothing: make one with  "
                "examsgraph recording export",
            )
        self.header = Header() if self.is_journal else read_file_header(self.path)

    def __repr__(self) -> str:
        return f"Recording({str(self.path)!r})"

    @cached_property
    def is_journal(self) -> bool:
        """Whether it is a journal, which has no hashes and says nothing of what wrote it."""
        return self.path.is_dir()

    def facts(self, on_flaw: Callable[[Flaw], None] = log_flaw) -> Iterator[Fact]:
        """Every fact that can be read, in order; what is wrong is told to `on_flaw`, by default logged."""
        if not self.is_journal:
            return read_file(self.path, on_flaw)

        def on_problem(problem: Problem) -> None:
            on_flaw(Flaw(None, str(problem)))

        return Journal(self.path).read(on_problem)

    def fact_lines(self, on_flaw: Callable[[Flaw], None] = log_flaw) -> Iterator[FactLine]:
        """The lines of a file's facts, for who needs but a few fields of many; a journal has none."""
        return iter(()) if self.is_journal else read_fact_lines(self.path, on_flaw)


def chosen(
    facts: Iterable[Fact],
    traces: Collection[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Fact]:
    """Those facts of the traces whose ids begin so (of all where none is named) in [since, until), UTC.

    A turn is in or out as a whole: what counts is when its facts were written, so name the traces where a
    turn runs across a border. Feedback comes with the turn that it names.
    """
    beginnings = tuple(traces)
    for fact in facts:
        if beginnings and not (fact.trace_id or "").startswith(beginnings):
            continue
        if (since is None or fact.started_at >= since) and (until is None or fact.started_at < until):
            yield fact
