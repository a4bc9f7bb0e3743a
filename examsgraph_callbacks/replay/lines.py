"""The lines of a recording: a header, then shared texts and facts in order, then the end.

    {"egrec":{"format":1,"schema_version":"1.3",…}}
    {"n":1,"hash":"9c1f…","text":"당신은 친절한 …"}
    {"n":2,"hash":"04be…","fact":{"kind":"llm_call",…,"content":{"$text":1}…}}
    {"end":{"lines":2,"texts":1,"facts":1,"sha256":"…"}}

`n` counts the lines, so that one that is missing or out of its place is told; `hash` (BLAKE2b, 64 bits, of
the bytes of what follows it) tells one that was changed; the end tells a file that was cut off, and its
`sha256` is of all bytes before it.
"""

import hashlib
import json
import re
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from examsgraph_callbacks.errors import RecordingError, SchemaError
from examsgraph_callbacks.events import SCHEMA_VERSION, refuse_newer_schema

__all__ = [
    "FORMAT",
    "End",
    "Header",
    "Line",
    "end_line",
    "header_line",
    "numbered_line",
    "read_header",
    "read_line",
]

FORMAT = 1
"""The version of the lines' form; facts have a schema version of their own."""

_NUMBERED = re.compile(rb'\{"n":(\d+),"hash":"([0-9a-f]{16})","(text|fact)":(.*)\}\n?\Z', re.DOTALL)


class _Part(BaseModel):
    """Part of a recording that is not a fact; what a later version adds is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Header(_Part):
    """What a recording says of itself: what wrote it, and by which rules secrets were taken out.

    `libraries` are those installed where it was exported, by name; `redaction` is the version of the rules,
    None for a journal, whose facts say nothing of it.
    """

    format: int = FORMAT
    schema_version: str = SCHEMA_VERSION
    libraries: dict[str, str] = Field(default_factory=dict)
    redaction: str | None = None


class End(_Part):
    """How many lines, texts and facts a recording has, and the SHA-256 of all bytes before."""

    lines: int
    texts: int
    facts: int
    sha256: str


class _First(_Part):
    egrec: Header


class Line(NamedTuple):
    """A numbered line: its number, `text` or `fact`, what stands in it, and whether its hash is right."""

    number: int
    kind: str
    content: bytes
    is_intact: bool


def header_line(header: Header) -> bytes:
    """The first line."""
    return _json({"egrec": header.model_dump(exclude_none=True)})


def end_line(end: End) -> bytes:
    """The last line."""
    return _json({"end": end.model_dump()})


def numbered_line(number: int, kind: str, content: bytes) -> bytes:
    """A line of a text or a fact, which `content` is as JSON."""
    return b'{"n":%d,"hash":"%s","%s":%s}\n' % (number, _hash(content), kind.encode(), content)


def read_header(line: bytes, place: str) -> Header:
    """The header that `line` is, the first of the file `place`.

    Raises `RecordingError` where it is none, or of a newer format, and `SchemaError` where the facts are of
    a newer major schema.
    """
    if not line:
        raise RecordingError(f"expected a recording, found an empty file: {place}; export it again")
    try:
        header = _First.model_validate_json(line).egrec
    except ValidationError as error:
        raise RecordingError(
            f'expected a recording, which begins with {{"egrec":…}}, found something else in {place}: '
            "make one with  examsgraph recording export",
        ) from error
    if header.format > FORMAT:
        raise RecordingError(
            f"expected a recording of format {FORMAT} or older, found format {header.format} in {place}: "
            "upgrade with  pip install -U examsgraph-callbacks",
        )
    try:
        refuse_newer_schema(header.schema_version)
    except SchemaError as error:
        raise SchemaError(f"{place}: {error}") from error
    return header


def read_line(line: bytes) -> Line | End | None:
    """What a line behind the header is; None where it is nothing that a recording has."""
    matched = _NUMBERED.match(line)
    if matched is not None:
        number, digest, kind, content = matched.groups()
        return Line(int(number), kind.decode(), content, _hash(content) == digest)
    if not line.startswith(b'{"end"'):
        return None
    try:
        return End.model_validate(json.loads(line)["end"])
    except (ValueError, KeyError, TypeError):
        return None


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=8).hexdigest().encode()
