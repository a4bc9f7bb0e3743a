"""Read a recording's facts; whatever is wrong with the file is told, a sentence each, and passed over."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import JsonValue, TypeAdapter, ValidationError

from examsgraph_callbacks.errors import RecordingError
from examsgraph_callbacks.events import AnyFact, Fact
from examsgraph_callbacks.replay.lines import End, Header, Line, read_header, read_line
from examsgraph_callbacks.replay.texts import RecentTexts, refers_to_texts, with_texts

__all__ = ["FactLine", "Flaw", "read_fact_lines", "read_file", "read_file_header"]

_ANY_FACT: TypeAdapter[Fact] = TypeAdapter(AnyFact)
_GZIP = b"\x1f\x8b"
_TEXTS_KEPT = 32_000_000  # characters


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a recording; `line` counts from 1, the header's, and is None for the file itself."""

    line: int | None
    reason: str

    def __str__(self) -> str:
        return self.reason if self.line is None else f"line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FactLine:
    """A fact's JSON as it stands on `line`, of which hash and place were right."""

    line: int
    content: bytes
    reader: "Reader"

    def fact(self) -> Fact | None:
        """The fact; None, and a flaw is told, where it is none that this version can read."""
        return self.reader.fact(self)


def read_file_header(path: Path) -> Header:
    """The header of a recording; raises `RecordingError` and `SchemaError` as `read_header` does."""
    with _opened(path) as file:
        return read_header(_first_line(file, path), str(path))


def read_file(path: Path, on_flaw: Callable[[Flaw], None]) -> Iterator[Fact]:
    """Every fact of a recording that can be read, in the file's order.

    Raises `RecordingError` where it is no recording, or of a newer format, and `SchemaError` where it is of
    a newer major schema. All else that is wrong is told to `on_flaw`, and costs that line alone.
    """
    facts = (line.fact() for line in read_fact_lines(path, on_flaw))
    return (fact for fact in facts if fact is not None)


def read_fact_lines(path: Path, on_flaw: Callable[[Flaw], None]) -> Iterator[FactLine]:
    """The same without making facts of them, for who needs but a few fields of many."""
    with _opened(path) as file:
        first = _first_line(file, path)
        read_header(first, str(path))
        reader = Reader(on_flaw, first, path)
        try:
            for line in file:
                content = reader.read(line)
                if content is not None:
                    yield FactLine(reader.line, content, reader)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            on_flaw(Flaw(None, f"the compressed file is damaged or cut off: {error}"))
        except OSError as error:
            raise RecordingError(f"expected to read {path}, but could not: {error}") from error
        reader.finish()


class Reader:
    """What was read of a recording so far: its texts, its place, and whether anything was wrong."""

    def __init__(self, on_flaw: Callable[[Flaw], None], first: bytes, path: Path) -> None:
        self.line = 1
        self._on_flaw = on_flaw
        self._digest = hashlib.sha256(first)
        self._texts = RecentTexts(_TEXTS_KEPT, lambda number: _text_in(path, number))
        self._expected = 1
        self._end: End | None = None
        self._is_flawed = False

    def read(self, line: bytes) -> bytes | None:
        """The content of a fact's line, None where it is none."""
        self.line += 1
        if self._end is not None:
            if line.strip():
                self._flaw("it stands behind the end")
            return None
        content = read_line(line)
        if isinstance(content, End):
            self._end = content
            return None
        self._digest.update(line)
        if content is None:
            torn = not line.endswith(b"\n")
            self._flaw("it is cut off" if torn else "it is no line of a recording")
            self._expected += 1
            return None
        return self._numbered(content)

    def fact(self, line: FactLine) -> Fact | None:
        """The fact on a line, None where it cannot be read."""
        try:
            return self._fact(line.content)
        except KeyError as error:
            self._flaw(f"text {error.args[0]}, which it refers to, was not read before it", line.line)
        except ValidationError as error:
            self._flaw(_why_not_a_fact(error), line.line)
        except (ValueError, RecursionError) as error:
            self._flaw(f"it cannot be read: {error}", line.line)
        return None

    def finish(self) -> None:
        """Tell what only the end of the file shows."""
        end, found = self._end, self._expected - 1
        if end is None:
            self._on_flaw(Flaw(None, f"it is cut off: what follows line {self.line} is missing"))
        elif end.lines != found:
            self._on_flaw(Flaw(None, f"expected {end.lines} texts and facts, found {found}"))
        elif end.sha256 != self._digest.hexdigest() and not self._is_flawed:
            self._on_flaw(Flaw(None, "it is not as it was exported: its SHA-256 is another"))

    def _numbered(self, line: Line) -> bytes | None:
        if line.number != self._expected:
            self._flaw(
                f"expected number {self._expected} here, found {line.number}: lines are missing or "
                "out of order"
            )
        self._expected = line.number + 1
        if not line.is_intact:
            self._flaw("it was changed: its hash is another")
            return None
        if line.kind == "fact":
            return line.content
        try:
            self._texts.add(line.number, str(json.loads(line.content)))
        except (ValueError, RecursionError) as error:
            self._flaw(f"it cannot be read: {error}")
        return None

    def _fact(self, content: bytes) -> Fact:
        if not refers_to_texts(content):
            fact = _ANY_FACT.validate_json(content)
        else:
            fields: JsonValue = with_texts(json.loads(content), self._texts.__getitem__)
            fact = _ANY_FACT.validate_python(fields)
        if fact.started_at.tzinfo is None:
            raise ValueError("started_at has no time zone")
        return fact

    def _flaw(self, reason: str, line: int | None = None) -> None:
        self._is_flawed = True
        self._on_flaw(Flaw(line or self.line, reason))


def _text_in(path: Path, number: int) -> str:
    """The text on line `number` of a recording, read once more; raises `KeyError` where it is not there."""
    with _opened(path) as file:
        for line in file:
            content = read_line(line)
            if isinstance(content, Line) and (content.number, content.kind) == (number, "text"):
                return str(json.loads(content.content))
    raise KeyError(number)


def _opened(path: Path) -> "IO[bytes] | gzip.GzipFile":
    try:
        with path.open("rb") as file:
            is_compressed = file.read(2) == _GZIP
        return gzip.open(path, "rb") if is_compressed else path.open("rb")
    except OSError as error:
        raise RecordingError(f"expected a recording at {path}, but could not read it: {error}") from error


def _first_line(file: "IO[bytes] | gzip.GzipFile", path: Path) -> bytes:
    try:
        return file.readline()
    except (EOFError, zlib.error, OSError) as error:
        raise RecordingError(
            f"expected a recording at {path}, found a damaged compressed file: {error}; export it again",
        ) from error


def _why_not_a_fact(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"].startswith("union_tag"):
        return "a kind of fact that this version does not know: a newer one may"
    where = ".".join(str(part) for part in first["loc"])
    return f"it is no fact: {where}: {first['msg']}"
