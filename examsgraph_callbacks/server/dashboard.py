"""The routes that the dashboard page is fed by: each a part of it, told anew only where it changed."""

import json
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel

from examsgraph_callbacks.alerts import alerts_mark, alerts_standing
from examsgraph_callbacks.analytics.answers import Answer, Period, Routing
from examsgraph_callbacks.analytics.dashboard_answers import (
    Choices,
    Concepts,
    Costs,
    Speed,
    Spendings,
)
from examsgraph_callbacks.errors import LakeUnavailableError
from examsgraph_callbacks.experiments.running import ExperimentsSoFar
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph.pictures import Language
from examsgraph_callbacks.journal.forget import forgotten_mark
from examsgraph_callbacks.journal.mark import journal_mark
from examsgraph_callbacks.server.answers import answer
from examsgraph_callbacks.server.dashboard_answers import (
    ExperimentsShown,
    IncidentsShown,
    Standing,
    StrangePaths,
    incidents_shown,
    strange_paths,
)
from examsgraph_callbacks.server.documentation import answered, refusals, unchanged
from examsgraph_callbacks.server.periods import Since, Until, period_of
from examsgraph_callbacks.server.questions import OneAtATime
from examsgraph_callbacks.server.remembering import Remembered
from examsgraph_callbacks.server.service import Service
from examsgraph_callbacks.server.together import Together

__all__ = ["add_dashboard"]

BEHIND = "Examsgraph-Behind"
"""The header of an answer that rests: the journal went on since, and it may be asked again soon."""

Now = Callable[[], datetime]
Name = Annotated[str | None, Query(min_length=1, max_length=256)]
Limit = Annotated[int, Query(ge=1, le=100)]
Spoken = Annotated[Language, Query(description="Of the words in the pictures.")]
Known = Annotated[str | None, Header(description="The ETag of the answer that is there already.")]


class _Filters(NamedTuple):
    period: Period
    model: str | None
    concept: str | None


class _Told(NamedTuple):
    """An answer's body, and a name for what it says, whenever it is worked out."""

    body: bytes
    etag: str


class _Mark(NamedTuple):
    """What tells this moment's journal, alerts and day from others.

    `journal` is None while its lake cannot be reached.
    """

    journal: str | None
    beside: str

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.journal} {self.beside}"


def add_dashboard(router: APIRouter, service: Service, prefix: str, now: Now | None = None) -> None:
    """Add the routes to the guarded router."""
    _Dashboard(service, now or (lambda: datetime.now(UTC))).add(router, prefix)


class _Dashboard:
    def __init__(self, service: Service, now: Now) -> None:
        self._service = service
        self._now = now
        self._remembered = _nothing_remembered()
        self._forgotten = 0
        self._experiments: ExperimentsSoFar | None = None
        # their first look reads through all kinds of a large lake
        self._looking = OneAtATime("examsgraph-experiments")
        # an object store may take long to answer
        self._marks = Together(self._mark, "examsgraph-marks")

    def add(self, router: APIRouter, prefix: str) -> None:  # noqa: C901 - one route after the other
        def filtered(
            since: Since = None, until: Until = None, model: Name = None, concept: Name = None
        ) -> _Filters:
            return _Filters(period_of(since, until, self._service.zone), model, concept)

        narrowed = Annotated[_Filters, Depends(filtered)]

        def part(path: str, description: str, kind: Any) -> Callable[[Any], object]:
            return router.get(
                f"{prefix}/{path}",
                response_model=None,
                responses=answered(description, kind) | unchanged() | refusals(401, 403, 422, 429, 503),
            )

        @part("dashboard/standing", "As of now.", Standing)
        async def standing(if_none_match: Known = None) -> Response:
            """What tells whether to ask again, and by which clock and prices all is told."""
            return _sent(self._told(self._standing(await self._marks.done())), if_none_match)

        @part("dashboard/choices", "Over all times.", Choices)
        async def choices(if_none_match: Known = None) -> Response:
            """The models and concepts that there are."""
            return await self._part(("choices",), if_none_match, self._service.dashboard.choices)

        @part("dashboard/spending", "By the configured zone's clock.", Spendings)
        async def spending(if_none_match: Known = None) -> Response:
            """What today and this month cost against what learners pay; of all calls."""
            return await self._part(
                ("spending",), if_none_match, lambda: self._service.dashboard.spendings(self._now())
            )

        @part("dashboard/costs", "In order of time.", Costs)
        async def costs(filters: narrowed, if_none_match: Known = None) -> Response:
            """Cost by hour or day, and model."""
            return await self._part(
                ("costs", filters), if_none_match, lambda: self._questions(filters).costs(filters.period)
            )

        @part("dashboard/routes", "Every route.", Routing)
        async def routes(filters: narrowed, if_none_match: Known = None) -> Response:
            """Task type by served model, as `/analytics/routing` has it."""
            return await self._part(
                ("routes", filters), if_none_match, lambda: self._questions(filters).routing(filters.period)
            )

        @part("dashboard/speed", "In order of time, and by model.", Speed)
        async def speed(filters: narrowed, if_none_match: Known = None) -> Response:
            """How long calls took."""
            return await self._part(
                ("speed", filters), if_none_match, lambda: self._questions(filters).speed(filters.period)
            )

        @part("dashboard/concepts", "By falling count.", Concepts)
        async def concepts(filters: narrowed, limit: Limit = 10, if_none_match: Known = None) -> Response:
            """The concepts that explanations failed on."""
            return await self._part(
                ("concepts", filters, limit),
                if_none_match,
                lambda: self._questions(filters).concepts(limit, filters.period),
            )

        @part("dashboard/paths", "The newest first.", StrangePaths)
        async def paths(
            filters: narrowed, limit: Limit = 6, language: Spoken = "en", if_none_match: Known = None
        ) -> Response:
            """The newest explorations that went astray, each with its picture (SVG)."""
            return await self._part(
                ("paths", filters, limit, language),
                if_none_match,
                lambda: self._paths(filters, limit, language),
            )

        @part("experiments", "Those that run first.", ExperimentsShown)
        async def experiments(if_none_match: Known = None) -> Response:
            """The prompt experiments of the journal, and who was given what."""
            return await self._part(("experiments",), if_none_match, self._experiments_so_far, self._looking)

        @part("incidents", "Open ones first, the latest first.", IncidentsShown)
        async def incidents(limit: Limit = 20, if_none_match: Known = None) -> Response:
            """The alerts that are open, and those that were lately."""
            return await self._part(
                ("incidents", limit),
                if_none_match,
                lambda: incidents_shown(alerts_standing(self._service.tracker.journal.path, limit)),
            )

    async def _part(
        self,
        asked: Hashable,
        known: str | None,
        work: Callable[[], Answer | BaseModel],
        thread: OneAtATime | None = None,
    ) -> Response:
        """The part as remembered for what is `asked`; worked out where the journal is another one since."""

        async def told() -> _Told:
            return await self._service.work_out(lambda: self._told(work()), thread)

        mark = await self._marks.done()
        if mark.journal is None:
            # whether anything holds still nobody can say: what needs the lake fails by itself
            return _sent(await told(), known)
        forgotten = forgotten_mark(self._service.tracker.journal.path)
        if forgotten != self._forgotten:
            # what rests may hold the words of somebody who asked to be forgotten
            self._forgotten, self._remembered = forgotten, _nothing_remembered()
        found, is_behind = await self._remembered.get(asked, mark.text, told)
        return _sent(found, known, is_behind=is_behind)

    def _told(self, given: Answer | BaseModel) -> _Told:
        body = bytes(answer(given, self._service.zone).body)
        data = json.dumps(json.loads(body)["data"], ensure_ascii=False)
        digest = blake2b(data.encode("utf-8", "replace"), digest_size=12).hexdigest()
        return _Told(body, f'W/"{digest}"')

    def _questions(self, filters: _Filters) -> Any:
        return self._service.dashboard.narrowed(model=filters.model, concept=filters.concept)

    def _paths(self, filters: _Filters, limit: int, language: Language) -> StrangePaths:
        found = self._questions(filters).strange_explorations(limit, filters.period)
        service = self._service
        return strange_paths(found, service.tracker.journal, service.settings.lake, language)

    def _experiments_so_far(self) -> ExperimentsShown:
        if self._experiments is None:
            service = self._service
            self._experiments = ExperimentsSoFar(service.tracker.journal, service.settings.lake)
        return ExperimentsShown(experiments=self._experiments.look(self._now()))

    def _mark(self) -> _Mark:
        journal, settings = self._service.tracker.journal, self._service.settings
        # what is told of today is another tomorrow
        beside = f"{alerts_mark(journal.path)} {self._now().astimezone(settings.time_zone).date()}"
        try:
            return _Mark(journal_mark(journal, settings.lake), beside)
        except LakeUnavailableError as error:
            failures.report("reading the lake", error.__cause__ or error)
            return _Mark(None, beside)

    def _standing(self, mark: _Mark) -> Standing:
        settings = self._service.settings
        return Standing(
            mark=blake2b(mark.text.encode(), digest_size=12).hexdigest(),
            today=self._now().astimezone(settings.time_zone).date(),
            time_zone=str(settings.time_zone),
            krw_per_usd=settings.krw_per_usd,
            subscription_krw=settings.subscription_price_krw,
            version=self._service.version,
        )


def _nothing_remembered() -> Remembered[_Told]:
    return Remembered(lambda told: len(told.body))


def _sent(told: _Told, known: str | None, *, is_behind: bool = False) -> Response:
    headers = {"ETag": told.etag, "Cache-Control": "private, no-cache"}
    if is_behind:
        headers[BEHIND] = "true"
    if known is not None and told.etag in {each.strip() for each in known.split(",")}:
        return Response(None, 304, headers)
    return Response(told.body, 200, headers, "application/json")
