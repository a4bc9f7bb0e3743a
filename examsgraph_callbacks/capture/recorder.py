"""Open runs become facts: begins and ends runs, settles their context, and writes to the journal."""

from asyncio import CancelledError
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from uuid import UUID

from examsgraph_callbacks.capture.clock import Clock, ms, utc
from examsgraph_callbacks.capture.content import cut
from examsgraph_callbacks.capture.context import Context, ambient_context, context_in_metadata, nearest
from examsgraph_callbacks.capture.endings import end_with_the_process
from examsgraph_callbacks.capture.exploration import ExplorationRecord, listen_for_explorations
from examsgraph_callbacks.capture.lifetimes import cache_write_split
from examsgraph_callbacks.capture.open_runs import OpenRun, shared_open_runs
from examsgraph_callbacks.capture.privacy import Privacy
from examsgraph_callbacks.capture.unfinished import (
    SWEEP_EVERY_NS,
    running_task,
    unwatch,
    was_left_behind,
    watch,
)
from examsgraph_callbacks.errors import UnfinishedRunError
from examsgraph_callbacks.events import SCHEMA_VERSION, Exploration, LLMCall, RunFact
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal

__all__ = ["Recorder"]

ERROR_MESSAGE_LIMIT = 2000  # characters; a provider may answer with a whole page


class Recorder:
    """Records runs into one journal; `defaults` is the context where nothing nearer says otherwise.

    `privacy` is by default the configured one.
    """

    def __init__(
        self,
        journal: Journal,
        defaults: Context,
        clock: Clock,
        privacy: Privacy | None = None,
    ) -> None:
        self.journal = journal
        self._privacy = privacy or Privacy.configured()
        self._defaults = defaults
        self._clock = clock
        self._open = shared_open_runs(journal.path)
        self.open_run = self._open.get
        self._sweep_at_ns = 0
        listen_for_explorations(self)
        end_with_the_process(self)

    def __len__(self) -> int:
        """How many runs are open."""
        return len(self._open)

    def begin(
        self,
        fact: type[RunFact],
        run_id: UUID,
        parent_run_id: UUID | None,
        *,
        name: str | None,
        metadata: Mapping[str, object] | None,
        tags: list[str],
        content: dict[str, object],
    ) -> OpenRun:
        """A run has begun that will become a `fact`; `content` are fields of it known already.

        Where another recorder of this journal has heard of it, it stays one fact, and becomes this one's.
        """
        heard = self._open.get(run_id)
        if heard is not None:
            heard.recorder, heard.context = self, {**self._defaults, **heard.context}
            return heard
        parent = None if parent_run_id is None else self._open.get(parent_run_id)
        ambient = ambient_context()
        metadata_context = context_in_metadata(metadata)
        own_id = run_id.hex
        if parent is None:
            context: Context = {**self._defaults, **ambient, **metadata_context}
        else:
            context = nearest(parent.context, parent.ambient, ambient)
            context = nearest(context, parent.metadata_context, metadata_context)
            if parent.recorder is not self:
                context = {**self._defaults, **context}
        run = OpenRun(
            number=run_id.int,
            run_id=own_id,
            trace_id=own_id if parent is None else parent.trace_id,
            fact=fact,
            recorder=self,
            parent_run_id=None if parent is None else parent.run_id,
            name=name,
            tags=tags,
            context=context,
            ambient=ambient,
            metadata_context=metadata_context,
            started_wall_ns=self._clock.wall_ns(),
            started_ns=self._clock.elapsed_ns(),
            content=content,
            root=None if parent is None else parent.root or parent,
        )
        one_too_many = self._open.add(run_id, run)
        if one_too_many is not None:
            self._end_one_too_many(one_too_many)
        task = running_task()
        if task is not None:
            watch(run, task, partial(self._cancelled, run_id))
        if run.started_ns >= self._sweep_at_ns:
            self._sweep(run.started_ns)
        return run

    def pass_through(
        self,
        run_id: UUID,
        parent_run_id: UUID | None,
        metadata: Mapping[str, object] | None,
    ) -> bool:
        """Plumbing has begun: what runs below it will stand below the recorded run above it.

        False, and nothing done, where nothing is above: then it is a top-level invocation.
        """
        above = None if parent_run_id is None else self._open.get(parent_run_id)
        if above is None:
            return False
        ambient = ambient_context()
        metadata_context = context_in_metadata(metadata)
        if ambient is not above.ambient or metadata_context != above.metadata_context:
            context = nearest(above.context, above.ambient, ambient)
            context = nearest(context, above.metadata_context, metadata_context)
            above = replace(above, context=context, ambient=ambient, metadata_context=metadata_context)
        one_too_many = self._open.add(run_id, above)
        if one_too_many is not None:
            self._end_one_too_many(one_too_many)
        return True

    def passed_through(self, run_id: UUID) -> bool:
        """Whether the run that has ended is plumbing, or unknown, and not recorded; it is forgotten then."""
        if self.recorded(run_id) is not None:
            return False
        self._open.pop(run_id)
        return True

    def give_way(self, run_id: UUID) -> None:
        """The run turned out to be plumbing: it becomes no fact, what runs below it stands in its place."""
        run = self.recorded(run_id)
        if run is None:
            return
        unwatch(run)
        if run.parent_run_id is None:
            self._open.pop(run_id)
        else:
            run.run_id, run.number = run.parent_run_id, int(run.parent_run_id, 16)

    def recorded(self, run_id: UUID) -> OpenRun | None:
        """The open run `run_id`, if it will become a fact itself."""
        run = self._open.get(run_id)
        return run if run is not None and run.number == run_id.int else None

    def first_token(self, call: OpenRun) -> None:
        """The first token of a streamed call has come."""
        call.first_token_ns = self._clock.elapsed_ns()

    def end(
        self,
        run_id: UUID,
        content: Mapping[str, object] | None = None,
        error: BaseException | None = None,
    ) -> None:
        """A run has ended: its fact is written, unless it is plumbing or never began here.

        `content` holds fields of the fact; its `status` is `error` or `ok`, unless `content` says it.
        """
        run = self._open.pop(run_id)
        if run is None or run.number != run_id.int:
            return
        unwatch(run)
        run.recorder.write_run(run, ms(self._clock.elapsed_ns() - run.started_ns), content, error)
        # an abandoned chain is told of first, then the call in it, with the text that had come
        if run.below and not isinstance(error, GeneratorExit):
            self._end_those_left_below(run)

    def write_run(
        self,
        run: OpenRun,
        latency_ms: float,
        content: Mapping[str, object] | None,
        error: BaseException | None,
    ) -> None:
        """Write the fact of a run of this recorder's that has ended."""
        fields = self._fields(run.fact, run, run.started_wall_ns, error)
        fields["latency_ms"] = latency_ms
        if run.fact is LLMCall:
            fields["streamed"] = run.streamed
            if run.first_token_ns is not None:
                fields["time_to_first_token_ms"] = ms(run.first_token_ns - run.started_ns)
        fields.update(run.content)
        if content:
            fields.update(content)
            if content.get("cache_write_tokens"):
                fields.update(cache_write_split(fields))
        self._write(run.fact, fields)

    def end_all(self) -> None:
        """The process ends: what is still open is recorded as it stands."""
        for run_id, _run in self._open.snapshot():
            self._end_unfinished(run_id, UnfinishedRunError("the process ended before the run did"))

    def forget_all(self) -> None:
        """In a forked child: the parent's runs are the parent's to end."""
        self._open.clear()

    def _cancelled(self, run_id: UUID) -> None:
        try:
            self._end_unfinished(run_id, CancelledError("the task was cancelled"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the host's event loop must not see it
            failures.report("recording a cancelled call", error)

    def _end_those_left_below(self, root: OpenRun) -> None:
        """The top-level run has ended: what no living task can end any more was cancelled."""
        if root.task is None:
            return
        for number in list(root.below):
            run_id = UUID(int=number)
            run = self._open.get(run_id)
            task = None if run is None else run.task
            if task is not None and (task is root.task or task.done()):
                self._end_unfinished(run_id, CancelledError("the run above ended before it"))

    def _sweep(self, now_ns: int) -> None:
        self._sweep_at_ns = now_ns + SWEEP_EVERY_NS
        for run_id, run in self._open.snapshot():
            if was_left_behind(run, now_ns):
                self._end_unfinished(run_id, UnfinishedRunError("its task ended without it"))

    def _end_one_too_many(self, run_id: UUID) -> None:
        self._end_unfinished(
            run_id, UnfinishedRunError("too many runs were open, of which it was the oldest")
        )

    def _end_unfinished(self, run_id: UUID, error: BaseException) -> None:
        run = self._open.get(run_id)
        if run is not None:
            begun = run.first_token_ns is not None
            self.end(run_id, {"status": "partial"} if begun else None, error)

    def record_exploration(self, run_id: UUID, exploration: ExplorationRecord) -> None:
        """Record what the open retriever run `run_id` explored; nothing where it is not known here."""
        run = self._open.get(run_id)
        if run is None or run.recorder is not self:
            return
        fields = self._fields(Exploration, run, exploration.started_wall_ns, exploration.error)
        fields.update(run_id=self._clock.new_id(), parent_run_id=run.run_id, **exploration.fields())
        self._write(Exploration, fields)

    def _fields(
        self,
        kind: type[RunFact],
        run: OpenRun,
        started_wall_ns: int,
        error: BaseException | None,
    ) -> dict[str, object]:
        """What every fact of `run` says: its ids, its context and how it went."""
        fields: dict[str, object] = {
            "kind": _name(kind),
            "schema_version": SCHEMA_VERSION,
            "event_id": self._clock.new_id(),
            "started_at": utc(started_wall_ns),
            "trace_id": run.trace_id,
            "run_id": run.run_id,
            "parent_run_id": run.parent_run_id,
            "name": run.name,
            "tags": run.tags,
            "status": "ok" if error is None else "error",
            **run.context,
        }
        if error is not None:
            fields.update(error_type=type(error).__name__, error_message=cut(str(error), ERROR_MESSAGE_LIMIT))
        return fields

    def _write(self, kind: type[RunFact], fields: Mapping[str, object]) -> None:
        """Write a fact by its fields, as it may be written.

        No model of it is made: to validate what capture has just put together, here and in the rooms of
        the frameworks, would take a quarter of a call's time. Reading the journal validates it.
        """
        known = {name: value for name, value in fields.items() if value is not None}
        self.journal.write_fields(self._privacy.recorded_fields(kind, known))


@cache
def _name(kind: type[RunFact]) -> str:
    return str(kind.model_fields["kind"].default)
