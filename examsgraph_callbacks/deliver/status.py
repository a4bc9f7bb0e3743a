"""How far a journal is shipped to each destination: figures read from the journal and its checkpoints."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from examsgraph_callbacks.background.locks import FOLDER, is_followed
from examsgraph_callbacks.defaults import absolute, default_tracking_uri
from examsgraph_callbacks.deliver.behind import Behind
from examsgraph_callbacks.deliver.checkpoint import Checkpoint, CheckpointFile, read_checkpoint
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import without_credentials
from examsgraph_callbacks.journal import Journal

__all__ = ["ShippingStatus", "shipping_status"]


@dataclass(frozen=True, slots=True)
class ShippingStatus:
    """What is shipped of a journal to one destination, and what is not.

    `tracking_uri` is the destination, without credentials. `facts_behind` are facts that were not
    delivered yet, of which `facts_waiting` wait for the end of their turn; `bytes_behind` are the bytes
    of the others. `oldest_undelivered_seconds` is the age of the oldest of them, None where there is
    none. `delivered_at` is when something was last delivered (UTC), None where nothing ever was. `failed_at`
    and `error` tell why the last try failed, None where it did not. `dead_letters` are facts that were set
    aside for this destination. `shipping` says whether a process ships there by itself or follows.
    """

    tracking_uri: str
    facts_behind: int
    facts_waiting: int
    bytes_behind: int
    oldest_undelivered_seconds: float | None
    delivered_at: datetime | None
    failed_at: datetime | None
    error: str | None
    dead_letters: int
    shipping: bool


def shipping_status(
    journal: Journal,
    tracking_uri: str | None = None,
    *,
    now: datetime | None = None,
    behind: Behind | None = None,
) -> list[ShippingStatus]:
    """The status of each destination that the journal was shipped to, and of the configured one.

    The configured one comes first: `tracking_uri`, else see `default_tracking_uri`. Reads, and changes
    nothing; no MLflow is asked. Whoever looks again and again hands over one `behind`: then only what is
    new is read.
    """
    uri = absolute(tracking_uri or default_tracking_uri(journal.path))
    configured = CheckpointFile(journal.path, uri, without_credentials(uri)).path
    others = [path for path in sorted((journal.path / FOLDER).glob("*.json")) if path != configured]
    moment = now or datetime.now(UTC)
    counted, places = behind or Behind(), set[tuple[str, int]]()
    statuses = [
        _status(journal, path, moment, without_credentials(uri), behind=counted, places=places)
        for path in (configured, *others)
    ]
    counted.keep_only(journal.segments(), places)
    return statuses


def _status(
    journal: Journal, file: Path, now: datetime, shown: str, *, behind: Behind, places: set[tuple[str, int]]
) -> ShippingStatus:
    checkpoint = read_checkpoint(file)
    destination = checkpoint.tracking_uri or shown
    unread = list(_unread(journal, checkpoint))
    waiting = [
        (path, begin)
        for path in journal.segments()
        if path.name in checkpoint.segments
        for begin in checkpoint.segments[path.name].waiting
    ]
    places |= {(path.name, begin) for path, begin in (*unread, *waiting)}
    began = [
        moment
        for path, begin in (*unread, *waiting)
        if (moment := behind.written_at(path, begin)) is not None
    ]
    failure = checkpoint.failure
    return ShippingStatus(
        tracking_uri=destination,
        facts_behind=sum(behind.lines(file.name, path, begin) for path, begin in unread) + len(waiting),
        facts_waiting=len(waiting),
        bytes_behind=sum(path.stat().st_size - begin for path, begin in unread),
        oldest_undelivered_seconds=max(0.0, (now - min(began)).total_seconds()) if began else None,
        delivered_at=checkpoint.delivered_at,
        failed_at=None if failure is None else failure.at,
        error=None if failure is None else failure.error,
        dead_letters=DeadLetters(journal.path, destination).count_kept(),
        shipping=is_followed(file.with_suffix(".follow")),
    )


def _unread(journal: Journal, checkpoint: Checkpoint) -> Iterator[tuple[Path, int]]:
    """The segments that have bytes which were not read, and from where."""
    for path in journal.segments():
        seen = checkpoint.segments.get(path.name)
        begin = 0 if seen is None else seen.offset
        if path.stat().st_size > begin:
            yield path, begin
