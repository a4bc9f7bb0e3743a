"""Read one segment: facts with their byte offsets; what cannot be read is told and skipped."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from examsgraph_callbacks.events import SCHEMA_VERSION, AnyFact, Fact, refuse_newer_schema

__all__ = ["Problem", "log_problem", "read_line", "read_segment"]

logger = logging.getLogger("examsgraph_callbacks")

_ANY_FACT: TypeAdapter[Fact] = TypeAdapter(AnyFact)


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that is not a fact this version can read; `offset` is where it begins, in bytes."""

    segment: Path
    offset: int
    reason: str
    line: bytes

    def __str__(self) -> str:
        return f"skipped a line at byte {self.offset} of {self.segment.name}: {self.reason}"


def log_problem(problem: Problem) -> None:
    """Log a problem as a warning."""
    logger.warning("%s", problem)


def read_segment(
    segment: Path,
    start: int = 0,
    on_problem: Callable[[Problem], None] = log_problem,
) -> Iterator[tuple[int, Fact]]:
    """Yield (byte offset just after the fact, fact) from byte `start` on.

    A torn last line (its writer was killed, or is still writing) is reported and skipped, so a later
    read from the last offset meets it whole. Raises `SchemaError` for a newer major schema version.
    """
    with segment.open("rb") as file:
        file.seek(start)
        offset = start
        for line in file:
            begin, offset = offset, offset + len(line)
            if not line.endswith(b"\n"):
                on_problem(Problem(segment, begin, "it is torn: it has no end yet", line))
                # what is appended meanwhile belongs to this line: the next read begins here again
                return
            if line != b"\n":
                fact = read_line(line)
                if isinstance(fact, str):
                    on_problem(Problem(segment, begin, fact, line))
                else:
                    yield offset, fact


def read_line(line: bytes) -> Fact | str:
    """The fact of one whole line, or why it is not one. Raises `SchemaError` as `read_segment` does."""
    try:
        fact = _ANY_FACT.validate_json(line)
        _refuse_out_of_time(fact)
    except ValidationError as error:
        return _why_not_a_fact(line, error)
    except _OutOfTimeError as error:
        return str(error)
    return fact


class _OutOfTimeError(Exception):
    """A fact that cannot be ordered among others."""


def _refuse_out_of_time(fact: Fact) -> None:
    if fact.started_at.tzinfo is None:
        raise _OutOfTimeError("started_at: expected a time with its zone, found one without")
    try:
        # asked for, not used
        _ = fact.started_at.astimezone(UTC), fact.ended_at.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise _OutOfTimeError(f"it has no end in time: {error}") from error


def _why_not_a_fact(line: bytes, error: ValidationError) -> str:
    try:
        content = json.loads(line)
    except RecursionError:
        return "it is nested too deeply"
    except ValueError:
        return "it is not JSON"
    if not isinstance(content, dict):
        return f"expected an object, found {type(content).__name__}"
    refuse_newer_schema(str(content.get("schema_version", SCHEMA_VERSION)))
    if any(detail["type"].startswith("union_tag") for detail in error.errors()):
        return f"unknown kind of fact {content.get('kind')!r}: a newer version may know it"
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"
