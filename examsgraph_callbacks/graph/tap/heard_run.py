"""Around one retriever run: hears its queries, and hands over the exploration that they were."""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import UUID

from examsgraph_callbacks.capture import (
    Recorder,
    find_open_run,
    guarded,
    publish_exploration,
)
from examsgraph_callbacks.events import RetrievalParams
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph.tap.collected import Collected
from examsgraph_callbacks.graph.tap.exploration import exploration_of
from examsgraph_callbacks.graph.tap.hearing import Hearing, Place, current_hearing, heard_by
from examsgraph_callbacks.graph.tap.lookup import look_up, look_up_async
from examsgraph_callbacks.graph.tap.lookup_statements import Found, Wanted, wanted_of
from examsgraph_callbacks.graph.tap.own_run import OwnRun

__all__ = ["About", "HeardRun", "Options", "begin_heard_run"]

_NO_PARAMS = RetrievalParams()

RecordedDocuments = Callable[[object, int], list[dict[str, object]]]


@dataclass(frozen=True, slots=True)
class Options:
    """How retriever runs are recorded.

    `recorder` is asked for one where nobody else records a run. With `lookup`, what the records do not
    tell is asked of the database. `name_property` names nodes, before the usual properties. Of a
    document's text `document_limit` characters are recorded.
    """

    recorder: Callable[[], Recorder]
    lookup: bool
    document_limit: int
    name_property: str | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a retriever run as it begins.

    `run_id` is its framework's, None where it has none. `documents` turns what it returns into fields of
    `RetrievedDocument`s, texts cut at a limit, where it is not recorded otherwise.
    """

    name: str | None = None
    query: str | None = None
    run_id: UUID | None = None
    params: RetrievalParams = _NO_PARAMS
    documents: RecordedDocuments | None = None


class HeardRun:
    """Hears what runs in its block, synchronous or not; set `result` to what the retriever returned.

    Whatever fails of ours is logged, and the retriever goes on.
    """

    def __init__(self, options: Options, about: About) -> None:
        self._options = options
        self._about = about
        self._hearing = Hearing(about.run_id, Collected(options.name_property))
        self._listening = heard_by(self._hearing)
        self._own: OwnRun | None = None
        self.result: object = None

    def __enter__(self) -> Self:
        self._begin()
        self._listening.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listening.__exit__(None, None, None)
        wanted = self._wanted(error)
        looked_up = _LookedUp()
        try:
            if wanted is not None:
                with looked_up:
                    looked_up.found = look_up(*wanted)
        finally:
            self._end(looked_up, error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listening.__exit__(None, None, None)
        wanted = self._wanted(error)
        looked_up = _LookedUp()
        try:
            if wanted is not None:
                with looked_up:
                    looked_up.found = await look_up_async(*wanted)
        finally:
            # also where the task is cancelled meanwhile
            self._end(looked_up, error)

    @guarded
    def _begin(self) -> None:
        about = self._about
        if about.run_id is None or find_open_run(about.run_id) is None:
            self._own = OwnRun.begin(self._options.recorder, about.run_id, name=about.name, query=about.query)

    def _wanted(self, error: BaseException | None) -> tuple[Place, Wanted] | None:
        """What is to be looked up, and where; a run that has failed is not looked at further."""
        hearing = self._hearing
        hearing.is_closed = True
        place = hearing.place
        if place is None or error is not None or not self._options.lookup:
            return None
        try:
            wanted = wanted_of(hearing.collected, hearing.query_vector, hearing.texts)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the host must not see it
            failures.report("looking nodes up", failure)
            return None
        return None if wanted is None else (place, wanted)

    @guarded
    def _end(self, looked_up: "_LookedUp", error: BaseException | None) -> None:
        about, own = self._about, self._own
        run_id = about.run_id if own is None else own.run_id
        try:
            if self._hearing.queries and run_id is not None:
                exploration = exploration_of(
                    self._hearing,
                    looked_up.found or Found(),
                    query=about.query,
                    params=about.params,
                    not_looked_up=looked_up.reason,
                    error=error,
                )
                publish_exploration(run_id, exploration)
        finally:
            # a result that the application keeps knows the hearing still
            self._hearing.collected = Collected()
            if own is not None:
                own.end(self._documents(error), error)

    def _documents(self, error: BaseException | None) -> list[dict[str, object]]:
        if error is not None or self._about.documents is None:
            return []
        return self._about.documents(self.result, self._options.document_limit)


class _LookedUp:
    """Holds what was found; within its block, that asking failed is but the reason why nothing was."""

    def __init__(self) -> None:
        self.found: Found | None = None
        self.reason: str | None = None

    def __enter__(self) -> None:
        self.reason = "Scores were not looked up: the driver is asynchronous, and the retriever run is not."

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if isinstance(error, Exception):
            failures.report("looking nodes up", error)
            self.reason = f"Scores were not looked up: the database refused ({type(error).__name__})."
            return True
        if self.found is not None:
            self.reason = None
        return False


def begin_heard_run(options: Options, about: Callable[[], About]) -> HeardRun | None:
    """A run that is to be heard; None where the one around it is the same, or hears for it.

    A run that has no id of its own belongs to the one around it.
    """
    try:
        told = about()
        around = current_hearing()
        if around is not None and told.run_id in {None, around.run_id}:
            return None
        return HeardRun(options, told)
    except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
        failures.report("recording a retriever's paths", error)
        return None
