"""How far a journal has been delivered to one destination: read, written atomically, and locked."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from examsgraph_callbacks.background.locks import FOLDER, destination_name, held_by_this_process
from examsgraph_callbacks.errors import AlreadyShippingError, DeliveryError
from examsgraph_callbacks.settings import current_settings

__all__ = [
    "FOLDER",
    "Checkpoint",
    "CheckpointFile",
    "SegmentCheckpoint",
    "ShippingFailure",
    "delivered_everywhere",
    "read_checkpoint",
]

_ASK_AGAIN_SECONDS = 0.1


class SegmentCheckpoint(BaseModel):
    """How far one segment was read, in bytes, and where the facts begin that are to be read again.

    Those `waiting` are not delivered yet; the `unlinked` ones are, but for their link to a turn that has
    not arrived.
    """

    model_config = ConfigDict(frozen=True)

    offset: int = 0
    waiting: tuple[int, ...] = ()
    unlinked: tuple[int, ...] = ()


class ShippingFailure(BaseModel):
    """The error that ended the last try to deliver, and when that was (UTC)."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    error: str


class Checkpoint(BaseModel):
    """How far a journal was delivered.

    `incomplete` names the traces that were delivered without their root, which may still come. For the
    turns of unlinked facts MLflow was last asked at `asked_at`. `delivered_at` is when something was last
    delivered (UTC); `failure` is there if that failed since.

    Losing a checkpoint costs time, never correctness: everything is delivered again, and traces and
    runs that MLflow has already stay single. So a release that delivers more kinds of facts raises
    `version`, and a checkpoint of another version counts as none.
    """

    model_config = ConfigDict(frozen=True)

    version: int = 2
    tracking_uri: str = ""
    segments: dict[str, SegmentCheckpoint] = Field(default_factory=dict)
    incomplete: tuple[str, ...] = ()
    delivered_at: datetime | None = None
    failure: ShippingFailure | None = None
    asked_at: datetime | None = None


class CheckpointFile:
    """The checkpoint of `journal` for the destination `tracking_uri`, in the journal's folder `shipped/`.

    The file's name is a hash of the URI, so destinations do not disturb each other; inside, the URI
    stands as `shown`, without credentials.
    """

    def __init__(self, journal: Path, tracking_uri: str, shown: str) -> None:
        self.path = journal / FOLDER / f"{destination_name(tracking_uri)}.json"
        self.shown = shown
        self._left: tuple[int, int] | None = None

    @contextmanager
    def locked(self, patience: timedelta = timedelta(0)) -> Iterator[None]:
        """Hold the right to deliver; the system frees it when the process ends, however it ends.

        Raises `AlreadyShippingError`, naming the process, where another one holds it and does not free it
        within `patience`.
        """
        with self._open_lock() as lock:
            until = time.monotonic() + patience.total_seconds()
            while not _is_free(lock):
                if time.monotonic() >= until:
                    lock.seek(0)
                    holder = lock.read().strip() or "unknown"
                    raise AlreadyShippingError(
                        f"expected to be the only shipper from {self.path.parent.parent} to {self.shown}, "
                        f"process {holder} is shipping there: wait for it, or stop it, and ship again",
                    )
                time.sleep(_ASK_AGAIN_SECONDS)
            with held_by_this_process(lock):
                yield

    def _open_lock(self) -> TextIO:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self.path.with_suffix(".lock").open("a+", encoding="ascii")
        except OSError as error:
            raise self._cannot_write(error) from error

    def load(self) -> Checkpoint:
        """The last checkpoint; an empty one where there is none of this version."""
        self._left = self._state()
        return read_checkpoint(self.path)

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint, so that a crash leaves the old one or the new one, whole.

        Raises `DeliveryError` where the disk does not take it.
        """
        content = checkpoint.model_copy(update={"tracking_uri": self.shown}).model_dump_json(indent=1)
        try:
            self._replace(content)
        except OSError as error:
            raise self._cannot_write(error) from error
        self._left = self._state()

    def is_as_left(self) -> bool:
        """Whether nobody has replaced the checkpoint since it was last loaded or saved here."""
        return self._left == self._state()

    def _replace(self, content: str) -> None:
        draft = self.path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _state(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def _cannot_write(self, error: OSError) -> DeliveryError:
        return DeliveryError(
            f"expected to note in {self.path.parent} how far the journal is shipped, cannot write there "
            f"({error.strerror}): let this user write there and ship again, nothing is lost",
        )


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file; an empty one where there is none of this version."""
    try:
        checkpoint = Checkpoint.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return Checkpoint()
    return checkpoint if checkpoint.version == Checkpoint().version else Checkpoint()


def delivered_everywhere(journal: Path) -> Callable[[Path, int], bool]:
    """Whether all of a segment, which has so many bytes, was delivered to every MLflow it is shipped to.

    A journal that was never shipped still waits for that, unless it is not to be (`EXAMSGRAPH_SHIP=off`).
    """
    checkpoints = [read_checkpoint(path) for path in (journal / FOLDER).glob("*.json")]
    if not checkpoints:
        is_off = current_settings().ship == "off"
        return lambda _segment, _size: is_off

    def is_delivered(segment: Path, size: int) -> bool:
        seen = [checkpoint.segments.get(segment.name, SegmentCheckpoint()) for checkpoint in checkpoints]
        return all(each.offset >= size and not each.waiting and not each.unlinked for each in seen)

    return is_delivered


def _is_free(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
