"""How far a journal has been delivered to one destination: read, written atomically, and locked."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from examsgraph_callbacks.errors import DeliveryError

__all__ = ["Checkpoint", "CheckpointFile", "SegmentCheckpoint"]

FOLDER = "shipped"


class SegmentCheckpoint(BaseModel):
    """How far one segment was read, in bytes, and where the facts begin that are to be read again.

    Those `waiting` are not delivered yet; the `unlinked` ones are, but for their link to a turn that has
    not arrived.
    """

    model_config = ConfigDict(frozen=True)

    offset: int = 0
    waiting: tuple[int, ...] = ()
    unlinked: tuple[int, ...] = ()


class Checkpoint(BaseModel):
    """How far a journal was delivered.

    `incomplete` names the traces that were delivered without their root, which may still come. For the
    turns of unlinked facts MLflow was last asked at `asked_at`.

    Losing a checkpoint costs time, never correctness: everything is delivered again, and traces and
    runs that MLflow has already stay single. So a release that delivers more kinds of facts raises
    `version`, and a checkpoint of another version counts as none.
    """

    model_config = ConfigDict(frozen=True)

    version: int = 2
    tracking_uri: str = ""
    segments: dict[str, SegmentCheckpoint] = Field(default_factory=dict)
    incomplete: tuple[str, ...] = ()
    asked_at: datetime | None = None


class CheckpointFile:
    """The checkpoint of `journal` for the destination `tracking_uri`, in the journal's folder `shipped/`.

    The file's name is a hash of the URI, so destinations do not disturb each other; inside, the URI
    stands as `shown`, without credentials.
    """

    def __init__(self, journal: Path, tracking_uri: str, shown: str) -> None:
        name = hashlib.sha256(tracking_uri.encode()).hexdigest()[:16]
        self._path = journal / FOLDER / f"{name}.json"
        self._shown = shown

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the right to deliver; the system frees it when the process ends, however it ends.

        Raises `DeliveryError`, naming the process, where another one holds it.
        """
        with self._open_lock() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise DeliveryError(
                    f"expected to be the only shipper from {self._path.parent.parent} to {self._shown}, "
                    f"process {holder} is shipping there: wait for it, or stop it, and ship again",
                ) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def _open_lock(self) -> TextIO:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._path.with_suffix(".lock").open("a+", encoding="ascii")
        except OSError as error:
            raise DeliveryError(
                f"expected to note in {self._path.parent} how far the journal is shipped, cannot write there "
                f"({error.strerror}): let this user write there and ship again, nothing is lost",
            ) from error

    def load(self) -> Checkpoint:
        """The last checkpoint; an empty one where there is none of this version."""
        try:
            checkpoint = Checkpoint.model_validate_json(self._path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return Checkpoint()
        return checkpoint if checkpoint.version == Checkpoint().version else Checkpoint()

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint, so that a crash leaves the old one or the new one, whole."""
        content = checkpoint.model_copy(update={"tracking_uri": self._shown}).model_dump_json(indent=1)
        draft = self._path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
