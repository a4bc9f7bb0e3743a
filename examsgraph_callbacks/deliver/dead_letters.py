"""Facts that could not be delivered, each with the reason, kept beside the checkpoint for a person to see."""

import hashlib
import json
import os
import threading
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from examsgraph_callbacks.background.locks import FOLDER
from examsgraph_callbacks.errors import DeliveryError, ExamsGraphError
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal.reader import read_line

__all__ = ["FILE", "DeadLetters", "fact_in"]

FILE = "dead_letters.jsonl"
_BEFORE_FACT = ', "fact": '


class DeadLetters:
    """The file `shipped/dead_letters.jsonl` of a journal: a line a fact, with its destination and error.

    A fact stands in it once for a destination, also when it is set aside again after a crash. Each is
    reported too (see `failures`).
    """

    def __init__(self, journal: Path, destination: str) -> None:
        self.path = journal / FOLDER / FILE
        self._begin = f'{{"destination": {_json(destination)}, "error": '
        self._set_aside: set[str] = set()
        self._lock = threading.Lock()

    def set_aside(self, facts: Iterable[Fact], error: BaseException) -> None:
        """Keep `facts`, of which `error` says why they cannot be delivered.

        Raises `DeliveryError` where the file cannot be written: nothing is passed over unseen.
        """
        failures.report("delivering a fact to MLflow", error)
        with self._lock:
            self._keep(facts, error)

    def _keep(self, facts: Iterable[Fact], error: BaseException) -> None:
        why = str(error) if isinstance(error, ExamsGraphError) else f"{type(error).__name__}: {error}"
        for fact in facts:
            line = fact.model_dump_json(exclude_none=True)
            self._set_aside.add(_digest(line))
            if _digest(line) not in self._known:
                self._write(why, line)
                self._known.add(_digest(line))

    @property
    def count(self) -> int:
        """How many facts were set aside since this was made."""
        return len(self._set_aside)

    def count_kept(self) -> int:
        """How many facts stand in the file for this destination, whoever set them aside."""
        return len(self._known)

    def _write(self, error: str, fact: str) -> None:
        line = f"{self._begin}{_json(error)}{_BEFORE_FACT}{fact}}}\n".encode("utf-8", "replace")
        try:
            with self.path.open("ab+") as file:
                file.write(_end_of_a_torn_line(file) + line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as failure:
            raise DeliveryError(
                f"expected to note in {self.path} what cannot be delivered, cannot write there "
                f"({failure.strerror}): let this user write there and ship again, nothing is lost",
            ) from failure

    @cached_property
    def _known(self) -> set[str]:
        """The facts that stand there already for this destination, as digests of their lines."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:  # there is none, or writing to it will say what is wrong
            return set()
        letters = (line.partition(_BEFORE_FACT) for line in lines if line.startswith(self._begin))
        return {_digest(fact.removesuffix("}")) for _, _, fact in letters}


def fact_in(line: bytes) -> Fact | None:
    """The fact of a line of such a file; None where it cannot be read."""
    _, _, fact = line.rstrip(b"\n").partition(_BEFORE_FACT.encode())
    read = read_line(fact.removesuffix(b"}"))
    return None if isinstance(read, str) else read


def _end_of_a_torn_line(file: BinaryIO) -> bytes:
    """What is missing at the end of a file in whose last line the disk was full."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode("utf-8", "replace")).hexdigest()
