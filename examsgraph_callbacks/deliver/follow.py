"""Ships a journal for as long as it is written: delivers what is new, and waits out failures."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta

from examsgraph_callbacks.background.locks import follow_lock, sole_follower
from examsgraph_callbacks.defaults import absolute, default_tracking_uri
from examsgraph_callbacks.deliver.backoff import Backoff
from examsgraph_callbacks.deliver.checkpoint import CheckpointFile
from examsgraph_callbacks.deliver.destination import open_destination, without_credentials
from examsgraph_callbacks.deliver.shipper import GRACE, Shipment, ShipReport, note_failure
from examsgraph_callbacks.deliver.upkeep import Upkeep
from examsgraph_callbacks.errors import AlreadyShippingError, DeliveryError
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter, configured_meter

__all__ = ["POLL_SECONDS", "follow", "follow_in_turn"]

POLL_SECONDS = 1.0
"""How often the journal is looked at; what is new is delivered at the next look."""

_LOOK_AT_WAITING = timedelta(seconds=30)


def follow(
    journal: Journal,
    tracking_uri: str | None = None,
    *,
    wait: Callable[[float], bool],
    on_progress: Callable[[ShipReport], None] = lambda _report: None,
    on_failure: Callable[[DeliveryError], None] = lambda _error: None,
    is_over: Callable[[], bool] = lambda: False,
    meter: Meter | None = None,
    grace: timedelta = GRACE,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    backoff: Backoff | None = None,
) -> None:
    """Deliver what is written to `journal` to the MLflow at `tracking_uri`, as `ship` does, until the end.

    `wait(seconds)` pauses, and says at once whether to stop: it is asked between batches too, with 0
    seconds. `is_over` says that nobody writes any more: what is left is then tried once, and that is
    the end. While MLflow cannot be reached each try's error goes to `on_failure`, and the pauses between
    tries grow (see `Backoff`); nothing else of the host or the journal depends on it. `on_progress` is
    called after each batch with what was delivered since MLflow was last opened.

    Every ten minutes it sees to it that the journal is compacted, if that is worth it (see `Upkeep`).

    Another process may ship the same journal in between: this one goes on from where that one got to.
    Raises `InvalidInputError` for a URI that holds no traces and for prices that cannot be read.
    """
    uri = absolute(tracking_uri or default_tracking_uri(journal.path))
    backoff = backoff or Backoff()
    following = _Following(journal, uri, meter or configured_meter(), grace)
    upkeep = Upkeep(journal)
    try:
        while True:
            last, moment = is_over(), now()
            try:
                stopped = following.deliver(moment, lambda: wait(0), on_progress)
            except AlreadyShippingError:
                stopped, pause = False, POLL_SECONDS
                last = False
            except DeliveryError as error:
                on_failure(error)
                if following.progressed:
                    backoff.succeeded()
                pause = backoff.next_pause(error.retry_after_seconds, answers=following.answered)
                stopped = False
            else:
                backoff.succeeded()
                pause = POLL_SECONDS
                upkeep.look(moment)
            if stopped or last or wait(pause):
                return
    finally:
        following.close()


def follow_in_turn(
    journal: Journal,
    tracking_uri: str | None = None,
    *,
    wait: Callable[[float], bool],
    on_other: Callable[[], None] = lambda: None,
    on_progress: Callable[[ShipReport], None] = lambda _report: None,
    on_failure: Callable[[DeliveryError], None] = lambda _error: None,
    meter: Meter | None = None,
) -> None:
    """The same once no other process follows this journal to the same MLflow.

    As long as one does this waits, and tells it once by `on_other`. Makes the journal's directory where
    there is none.
    """
    uri = absolute(tracking_uri or default_tracking_uri(journal.path))
    lock = follow_lock(journal.path, uri)
    lock.parent.mkdir(parents=True, exist_ok=True)
    told = False
    while True:
        with sole_follower(lock) as alone:
            if alone:
                follow(journal, uri, wait=wait, on_progress=on_progress, on_failure=on_failure, meter=meter)
                return
        if not told:
            on_other()
            told = True
        if wait(POLL_SECONDS):
            return


class _Following:
    """The delivery that goes on: an MLflow that is opened when there is something for it, and kept open."""

    def __init__(self, journal: Journal, uri: str, meter: Meter, grace: timedelta) -> None:
        self._journal = journal
        self._uri = uri
        self._meter = meter
        self._grace = grace
        self._file = CheckpointFile(journal.path, uri, without_credentials(uri))
        self._opened = ExitStack()
        self._shipment: Shipment | None = None
        self._seen: dict[str, int] = {}
        self._waiting_seen_at: datetime | None = None
        self._failed = False
        self.progressed = False
        self.answered = False

    def deliver(
        self, now: datetime, stop: Callable[[], bool], on_progress: Callable[[ShipReport], None]
    ) -> bool:
        """Deliver what is new, if anything is; whether it was stopped before it was through.

        Where it raises, `progressed` says whether something had arrived that need not be sent again, and
        `answered` whether MLflow took anything at all.
        """
        sizes = _sizes(self._journal)
        if not sizes:
            return False  # nothing is written yet, or the journal was removed: it is not made anew
        if sizes == self._seen and not self._may_be_stale(now):
            return False
        self.progressed = self.answered = False
        with self._file.locked():
            try:
                for report in self._current().deliver(now, self._grace):
                    self.progressed = True
                    on_progress(report)
                    if stop():
                        return True
            except DeliveryError as error:
                if self._shipment is not None:
                    self.progressed = self.progressed or self._shipment.progress > 0
                    self.answered = self._shipment.answered
                self._failed = True
                self.close()
                note_failure(self._file, error)
                raise
            except BaseException:
                self.close()
                raise
        self._seen, self._waiting_seen_at = sizes, now
        self._failed = False
        return False

    def close(self) -> None:
        """Let go of MLflow; what comes next begins where the checkpoint stands."""
        self._shipment = None
        self._seen = {}
        self._opened.close()

    def _current(self) -> Shipment:
        if self._shipment is None or not self._file.is_as_left():
            self.close()
            destination = self._opened.enter_context(open_destination(self._uri))
            self._shipment = Shipment(
                self._journal, self._file, destination, self._meter, cautious=self._failed
            )
        return self._shipment

    def _may_be_stale(self, now: datetime) -> bool:
        """Whether it is time to look whether a turn has been silent for too long, or came from elsewhere."""
        if self._shipment is None or not self._shipment.waits:
            return False
        seen_at = self._waiting_seen_at
        # a clock that was set back must not hold it up
        return seen_at is None or not timedelta(0) <= now - seen_at < _LOOK_AT_WAITING


def _sizes(journal: Journal) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path in journal.segments():
        with suppress(FileNotFoundError):
            sizes[path.name] = path.stat().st_size
    return sizes
