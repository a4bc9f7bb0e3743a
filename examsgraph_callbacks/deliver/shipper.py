"""Ships a journal to MLflow, one pass at a time: what is new is measured, delivered and remembered."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from examsgraph_callbacks.defaults import absolute, default_tracking_uri
from examsgraph_callbacks.deliver.beside import Beside
from examsgraph_callbacks.deliver.checkpoint import Checkpoint, CheckpointFile, ShippingFailure
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import (
    Destination,
    open_destination,
    without_credentials,
)
from examsgraph_callbacks.deliver.loose_facts import LooseFact
from examsgraph_callbacks.deliver.measured import MeasuredTurn
from examsgraph_callbacks.deliver.path_runs import PATH_EXPERIMENT, PathRunWriter, explained_explorations
from examsgraph_callbacks.deliver.told_paths import ToldPaths
from examsgraph_callbacks.deliver.traces import TRACE_EXPERIMENT, TRACES_A_REQUEST, TraceWriter
from examsgraph_callbacks.deliver.turns import Gatherer, Turn
from examsgraph_callbacks.deliver.views import Views
from examsgraph_callbacks.errors import DeliveryError
from examsgraph_callbacks.events import Fact, PromptComparison
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter, configured_meter

__all__ = ["GRACE", "ShipReport", "Shipment", "note_failure", "ship"]

GRACE = timedelta(minutes=10)
"""How long a turn may be silent before it is delivered without its root."""

PATIENCE = timedelta(days=7)
"""How old feedback becomes before the turn that it is about is no longer waited for."""

_ASK_AGAIN = timedelta(minutes=1)
_INCOMPLETE_REMEMBERED = 10_000
_FEWEST_AT_ONCE = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShipReport:
    """What one pass did.

    `tracking_uri` is where it went, without credentials. `traces` counts the traces written, of which
    `incomplete` had no root; `runs` the new runs of explorations, and `view_runs` those of the other views
    by their experiments; `refused` the traces and runs that could not be written, and `set_aside` the
    facts that were therefore left out: they stand, each with the reason, in the file `dead_letters`.
    `facts_pending` are facts that wait for their trace's root. The URLs open in a browser; None where a
    database was written to (see `ui_command`).
    """

    tracking_uri: str
    traces: int = 0
    incomplete: int = 0
    runs: int = 0
    view_runs: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    set_aside: int = 0
    facts_read: int = 0
    facts_pending: int = 0
    dead_letters: Path | None = None
    traces_url: str | None = None
    runs_url: str | None = None


def ship(
    journal: Journal,
    tracking_uri: str | None = None,
    on_progress: Callable[[ShipReport], None] | None = None,
    *,
    meter: Meter | None = None,
    grace: timedelta = GRACE,
    now: datetime | None = None,
    patience: timedelta = timedelta(0),
) -> ShipReport:
    """Deliver what is new in `journal` to the MLflow at `tracking_uri` (see `default_tracking_uri`).

    Turns become traces of the experiment `ExamsGraph` and their calls points of `LLM_Cost`, explorations
    runs of `GraphRAG_Path_Tracing`, feedback runs of `User_Feedback` and assessments, and comparisons of
    prompts runs of `Prompt_Experimentation`. A turn is delivered once its root is written; one of which
    nothing was written for `grace` before `now` (the present) is delivered as it is, under a root that
    says so. Delivering again, after a crash or to a second destination, changes nothing that is there.
    `on_progress` is called after each batch with the report so far. Figures are worked out by `meter`, else
    by the configured one (see `configured_meter`).

    Raises `DeliveryError` where MLflow cannot be reached or another process ships there already, for all
    of `patience`, and `InvalidInputError` for a URI that holds no traces and for prices that cannot be
    read; what was delivered until then is remembered.
    """
    meter = meter or configured_meter()
    uri = absolute(tracking_uri or default_tracking_uri(journal.path))
    file = CheckpointFile(journal.path, uri, without_credentials(uri))
    with file.locked(patience):
        try:
            with open_destination(uri) as destination:
                shipment = Shipment(journal, file, destination, meter)
                for report in shipment.deliver(now or datetime.now(UTC), grace):
                    if on_progress is not None:
                        on_progress(report)
                return shipment.report
        except DeliveryError as error:
            note_failure(file, error)
            raise


def note_failure(file: CheckpointFile, error: Exception) -> None:
    """Note beside the progress that delivering failed, for `shipping_status` to show."""
    failure = ShippingFailure(at=datetime.now(UTC), error=str(error))
    with suppress(DeliveryError):  # the disk is full: that is told by whoever ships
        file.save(file.load().model_copy(update={"failure": failure}))


@dataclass(frozen=True, slots=True)
class _Sent:
    """A batch that was sent: what waits until it is shown, and what is to be remembered and told then."""

    until_shown: Callable[[], None]
    checkpoint: Checkpoint
    report: ShipReport


class Shipment:
    """A delivery, pass by pass: its report grows batch by batch, and with each the checkpoint.

    After an error it is of no more use: another one begins where the checkpoint stands. A `cautious` one, for
    an MLflow that failed just now, begins with small batches, so that some get through where it often fails.
    """

    def __init__(
        self,
        journal: Journal,
        file: CheckpointFile,
        destination: Destination,
        meter: Meter,
        *,
        cautious: bool = False,
    ) -> None:
        since = self._saved = file.load()
        self._gatherer = Gatherer(journal, since)
        self._incomplete = dict.fromkeys(since.incomplete)
        self._file = file
        self._turns_at_once = _FEWEST_AT_ONCE if cautious else TRACES_A_REQUEST
        self._destination = destination
        self._dead_letters = DeadLetters(journal.path, destination.shown)
        self._traces = TraceWriter(destination, meter, self._dead_letters)
        self._path_runs = PathRunWriter(destination, self._dead_letters)
        self._told_paths = ToldPaths(destination, self._traces, self._path_runs, self._is_early)
        self._views = Views(destination, self._dead_letters, self._is_early)
        self._asked_at = since.asked_at
        self._rootless = 0
        self._path_runs_new = 0
        self.report = ShipReport(
            destination.shown,
            dead_letters=self._dead_letters.path,
            traces_url=destination.experiment_url(TRACE_EXPERIMENT),
            runs_url=destination.experiment_url(PATH_EXPERIMENT),
        )

    @property
    def progress(self) -> int:
        """How much was written that need not be written again, also of a batch that failed."""
        return self._path_runs.runs.progress + self._views.progress

    @property
    def answered(self) -> bool:
        """Whether MLflow took anything of what it was sent."""
        return self._traces.written > 0 or self._path_runs.runs.answered or self._views.answered

    @property
    def waits(self) -> bool:
        """Whether something may be delivered by and by though nothing is written to the journal."""
        return bool(self.report.facts_pending or self._gatherer.loose.unlinked)

    def deliver(self, now: datetime, grace: timedelta) -> Iterator[ShipReport]:
        """Deliver what is new, batch by batch, yielding the report so far; may be called again."""
        self._now = now
        self._arrived: set[str] = set()
        with Beside(thread=self._destination.is_server) as beside:
            last: _Sent | None = None
            for send, batch in self._turns(now - grace):
                try:
                    measured = send(batch)
                except DeliveryError:
                    if last is not None:
                        self._remember(last)
                    raise
                if last is not None:
                    self._remember(last)
                    yield self.report
                # while the next batch is prepared and sent, this one is shown
                last = self._sent(beside.do(partial(self._show, batch, measured)))
            if last is not None:
                self._remember(last)
                yield self.report
        for loose in self._batches(self._due()):
            self._deliver_loose(loose)
            self._remember(self._sent())
            yield self.report
        self._remember(self._sent(), nothing_new=True)
        yield self.report

    def _turns(
        self, silent_since: datetime
    ) -> Iterator[tuple[Callable[[list[Turn]], list[MeasuredTurn]], list[Turn]]]:
        """Batch by batch the turns that are complete, then those that became stale, and how they are sent."""
        for batch in self._batches(self._gatherer.complete_turns()):
            yield self._send_complete, batch
        for batch in self._batches(self._gatherer.stale_turns(silent_since)):
            yield self._send_incomplete, batch

    def _send_complete(self, batch: list[Turn]) -> list[MeasuredTurn]:
        written = self._traces.write(batch, late_roots=self._incomplete)
        for turn in batch:
            self._incomplete.pop(turn.trace_id, None)
        return written

    def _send_incomplete(self, batch: list[Turn]) -> list[MeasuredTurn]:
        """Facts that came after the rest of their trace join it; the others get a root that says so."""
        late: list[Turn] = []
        rootless: list[Turn] = []
        for turn in batch:
            state = self._traces.state(turn.trace_id)
            (rootless if state == "absent" else late).append(turn)
            if state != "complete":
                self._incomplete[turn.trace_id] = None
        written = self._traces.write(late)
        incomplete = self._traces.write(rootless, add_root=True)
        self._rootless += len(incomplete)
        return [*written, *incomplete]

    def _show(self, batch: list[Turn], turns: list[MeasuredTurn]) -> None:
        """Write the batch's runs: those of its explorations, and what else is made of turns MLflow took."""
        self._views.write_turns(turns)
        for measured in turns:
            self._arrived.add(measured.turn.trace_id)
            self._arrived.update(fact.question_id for fact in measured.turn.facts if fact.question_id)
        explorations = [exploration for turn in batch for exploration in explained_explorations(turn)]
        self._path_runs_new += self._path_runs.write(explorations)

    def _deliver_loose(self, batch: list[LooseFact]) -> None:
        """Show facts that are no runs; those whose turns have not arrived are tried again for `PATIENCE`."""
        facts = [loose.fact for loose in batch]
        told = self._told_paths.write(facts)
        self._path_runs_new += told.runs
        turnless = {fact.event_id for fact in (*self._views.write_facts(facts), *told.turnless)}
        for loose in batch:
            unlinked = loose.fact.event_id in turnless and self._now - loose.fact.started_at <= PATIENCE
            self._gatherer.loose.delivered(loose.place, unlinked=unlinked)

    def _due(self) -> Iterator[LooseFact]:
        """What is no run and is new, or is about a turn that may have arrived: now, or from elsewhere."""
        loose = self._gatherer.loose
        new, unlinked = loose.read(loose.waiting), loose.read(loose.unlinked)
        is_time = self._asked_at is None or self._now - self._asked_at >= _ASK_AGAIN
        if is_time and (loose.waiting or loose.unlinked):
            self._asked_at = self._now
            return chain(new, unlinked)
        return chain(new, (each for each in unlinked if not self._arrived.isdisjoint(_about(each.fact))))

    def _is_early(self, loose: Fact) -> bool:
        """Whether a turn that a loose fact is about may not be delivered yet."""
        return loose.started_at > self._now or self._gatherer.has_turn_for(loose)

    def _sent(self, until_shown: Callable[[], None] = lambda: None) -> "_Sent":
        """What was sent so far; nothing more must have been read."""
        return _Sent(
            until_shown,
            Checkpoint(
                segments=self._gatherer.segments(),
                incomplete=tuple(self._incomplete)[-_INCOMPLETE_REMEMBERED:],
                asked_at=self._asked_at,
            ),
            replace(
                self.report,
                traces=self._traces.written,
                incomplete=self._rootless,
                facts_read=self._gatherer.facts_read,
                facts_pending=self._gatherer.facts_waiting,
            ),
        )

    def _remember(self, sent: "_Sent", *, nothing_new: bool = False) -> None:
        """Wait until it is shown, then write the checkpoint: what it passes is delivered."""
        sent.until_shown()
        delivered_at = self._saved.delivered_at if nothing_new else datetime.now(UTC)
        self._save(sent.checkpoint.model_copy(update={"delivered_at": delivered_at}))
        self._turns_at_once = min(2 * self._turns_at_once, TRACES_A_REQUEST)
        self.report = replace(
            sent.report,
            runs=self._path_runs_new,
            view_runs=self._views.runs,
            refused=self._traces.refused + self._path_runs.runs.refused + self._views.refused,
            set_aside=self._dead_letters.count,
        )

    def _batches(self, things: Iterator[T]) -> Iterator[list[T]]:
        while batch := list(islice(things, self._turns_at_once)):
            yield batch

    def _save(self, checkpoint: Checkpoint) -> None:
        if checkpoint != self._saved.model_copy(update={"tracking_uri": ""}):
            self._file.save(checkpoint)
            self._saved = checkpoint


def _about(fact: Fact) -> set[str]:
    """What names the turns that the fact is about: their ids, else their question."""
    names = {fact.trace_id or fact.question_id}
    if isinstance(fact, PromptComparison):
        names.update(fact.trace_ids.values())
    return {name for name in names if name}
