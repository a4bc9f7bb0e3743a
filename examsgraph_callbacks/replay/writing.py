"""Cut a recording out of facts: redacted once more, long texts once, and whole or not there at all."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from pydantic import JsonValue

from examsgraph_callbacks.capture import REDACTION_VERSION, Privacy, Redact, redact_text
from examsgraph_callbacks.errors import RecordingError
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.replay.lines import End, Header, end_line, header_line, numbered_line
from examsgraph_callbacks.replay.requests import ours_too
from examsgraph_callbacks.replay.texts import with_references

__all__ = ["Exported", "write_recording"]

_LIBRARIES = (
    "examsgraph-callbacks",
    "genai-prices",
    "langchain-core",
    "langchain-openai",
    "llama-index-core",
    "neo4j",
    "openai",
    "tiktoken",
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how much of it."""

    path: Path
    facts: int
    texts: int
    size_bytes: int


def write_recording(facts: Iterable[Fact], path: Path, redact: Redact = redact_text) -> Exported:
    """Write `facts`, in their order, into the file `path`, compressed where its name ends in `.gz`.

    Secrets are taken out once more, by `redact` and by the package's own rules, whatever the rules were when
    the facts were recorded. The same facts give the same bytes. The file is there as a whole, or as it was
    before. Raises `RecordingError` where there are no facts, or where the file cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("xb") as raw:
            end = _write(facts, raw, redact, compressed=path.suffix == ".gz")
        if not end.facts:
            raise RecordingError("expected facts to record, found none: is it the right journal, and trace?")
        beside.replace(path)
    except OSError as error:
        raise RecordingError(f"expected to write a recording to {path}, but could not: {error}") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return Exported(path, end.facts, end.texts, path.stat().st_size)


def _write(facts: Iterable[Fact], raw: IO[bytes], redact: Redact, *, compressed: bool) -> End:
    if not compressed:
        return _Writer(raw, redact).write(facts)
    # neither name nor time, so that the same facts give the same bytes
    with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        return _Writer(file, redact).write(facts)


class _Writer:
    """One recording in the making."""

    def __init__(self, file: "IO[bytes] | gzip.GzipFile", redact: Redact) -> None:
        self._file = file
        # what is exported was captured: neither pseudonyms nor missing content are this one's business
        self._privacy = Privacy(ours_too(redact))
        self._digest = hashlib.sha256()
        self._lines = 0
        self._facts = 0
        # by their hashes: the texts themselves may be more than fits into memory
        self._texts: dict[bytes, int] = {}

    def write(self, facts: Iterable[Fact]) -> End:
        self._put(header_line(Header(libraries=_libraries(), redaction=REDACTION_VERSION)))
        for fact in facts:
            self._fact(fact)
        end = End(
            lines=self._lines, texts=len(self._texts), facts=self._facts, sha256=self._digest.hexdigest()
        )
        self._file.write(end_line(end))
        return end

    def _fact(self, fact: Fact) -> None:
        recorded = self._privacy.recorded(fact).model_dump(mode="json", exclude_none=True)
        fields: Mapping[str, JsonValue] = {
            # vectors are long, and never the same by more than chance
            name: value if name == "vectors" else with_references(value, self._number_of)
            for name, value in recorded.items()
        }
        self._numbered("fact", fields)
        self._facts += 1

    def _number_of(self, text: str) -> int:
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest not in self._texts:
            self._numbered("text", text)
            self._texts[digest] = self._lines
        return self._texts[digest]

    def _numbered(self, kind: str, content: object) -> None:
        self._lines += 1
        encoded = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        self._put(numbered_line(self._lines, kind, encoded))

    def _put(self, line: bytes) -> None:
        self._digest.update(line)
        self._file.write(line)


def _libraries() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
