"""The routes that the dashboard page is fed by: each a part of it, told anew only where it changed."""

import json
from asyncio import to_thread
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Header, Query, Request, Response
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
from examsgraph_callbacks.experiments.running import ExperimentsSoFar
from examsgraph_callbacks.journal.forget import forgotten_mark
from examsgraph_callbacks.journal.mark import journal_mark
from examsgraph_callbacks.server.answers import answer
from examsgraph_callbacks.server.dashboard_answers import (
    ExperimentsShown,
    IncidentsShown,
    Standing,
    StrangePaths,
    experiments_shown,
    incidents_shown,
    strange_paths,
)
from examsgraph_callbacks.server.documentation import answered, refusals, unchanged
from examsgraph_callbacks.server.periods import Since, Until, period_of
from examsgraph_callbacks.server.questions import OneAtATime
from examsgraph_callbacks.server.remembering import Remembered
from examsgraph_callbacks.server.service import Service

__all__ = ["add_dashboard"]

BEHIND = "Examsgraph-Behind"
"""The header of an answer that rests: the journal went on since, and it may be asked again soon."""

Now = Callable[[], datetime]
Name = Annotated[str | None, Query(min_length=1, max_length=256)]
Limit = Annotated[int, Query(ge=1, le=100)]
Known = Annotated[str | None, Header(description="The ETag of the answer that is there already.")]


class _Filters(NamedTuple):
    period: Period
    model: str | None
    concept: str | None


class _Told(NamedTuple):
    """An answer, and a name for what it says, whenever it is worked out."""

    response: Response
    etag: str


def add_dashboard(router: APIRouter, service: Service, prefix: str, now: Now | None = None) -> None:
    """Add the routes to the guarded router."""
    _Dashboard(service, now or (lambda: datetime.now(UTC))).add(router, prefix)


class _Dashboard:
    def __init__(self, service: Service, now: Now) -> None:
        self._service = service
        self._now = now
        self._remembered: Remembered[_Told] = Remembered()
        self._forgotten = 0
        self._experiments: ExperimentsSoFar | None = None
        # their first look reads through all kinds of a large lake
        self._looking = OneAtATime("examsgraph-experiments")

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
            return _sent(self._told(await to_thread(self._standing)), if_none_match)

        @part("dashboard/choices", "Over all times.", Choices)
        async def choices(request: Request, if_none_match: Known = None) -> Response:
            """The models and concepts that there are."""
            return await self._part(request, if_none_match, self._service.dashboard.choices)

        @part("dashboard/spending", "By the configured zone's clock.", Spendings)
        async def spending(request: Request, if_none_match: Known = None) -> Response:
            """What today and this month cost against what learners pay; of all calls."""
            return await self._part(
                request, if_none_match, lambda: self._service.dashboard.spendings(self._now())
            )

        @part("dashboard/costs", "In order of time.", Costs)
        async def costs(request: Request, filters: narrowed, if_none_match: Known = None) -> Response:
            """Cost by hour or day, and model."""
            return await self._part(
                request, if_none_match, lambda: self._questions(filters).costs(filters.period)
            )

        @part("dashboard/routes", "Every route.", Routing)
        async def routes(request: Request, filters: narrowed, if_none_match: Known = None) -> Response:
            """Task type by served model, as `/analytics/routing` has it."""
            return await self._part(
                request, if_none_match, lambda: self._questions(filters).routing(filters.period)
            )

        @part("dashboard/speed", "In order of time, and by model.", Speed)
        async def speed(request: Request, filters: narrowed, if_none_match: Known = None) -> Response:
            """How long calls took."""
            return await self._part(
                request, if_none_match, lambda: self._questions(filters).speed(filters.period)
            )

        @part("dashboard/concepts", "By falling count.", Concepts)
        async def concepts(
            request: Request, filters: narrowed, limit: Limit = 10, if_none_match: Known = None
        ) -> Response:
            """The concepts that explanations failed on."""
            return await self._part(
                request, if_none_match, lambda: self._questions(filters).concepts(limit, filters.period)
            )

        @part("dashboard/paths", "The newest first.", StrangePaths)
        async def paths(
            request: Request, filters: narrowed, limit: Limit = 6, if_none_match: Known = None
        ) -> Response:
            """The newest explorations that went astray, each with its picture (SVG)."""
            return await self._part(request, if_none_match, lambda: self._paths(filters, limit))

        @part("experiments", "Those that run first.", ExperimentsShown)
        async def experiments(request: Request, if_none_match: Known = None) -> Response:
            """The prompt experiments of the journal, and who was given what."""
            return await self._part(request, if_none_match, self._experiments_so_far, self._looking)

        @part("incidents", "Open ones first, the latest first.", IncidentsShown)
        async def incidents(request: Request, limit: Limit = 20, if_none_match: Known = None) -> Response:
            """The alerts that are open, and those that were lately."""
            return await self._part(
                request,
                if_none_match,
                lambda: incidents_shown(alerts_standing(self._service.tracker.journal.path, limit)),
            )

    async def _part(
        self,
        request: Request,
        known: str | None,
        work: Callable[[], Answer | BaseModel],
        thread: OneAtATime | None = None,
    ) -> Response:
        """The part as remembered for these filters; worked out where the journal is another one since."""

        async def told() -> _Told:
            return self._told(await self._service.work_out(work, thread))

        asked = (request.url.path, *sorted(request.query_params.items()))
        mark = await to_thread(self._mark)
        forgotten = forgotten_mark(self._service.tracker.journal.path)
        if forgotten != self._forgotten:
            # what rests may hold the words of somebody who asked to be forgotten
            self._forgotten, self._remembered = forgotten, Remembered()
        found, is_behind = await self._remembered.get(asked, mark, told)
        return _sent(found, known, is_behind=is_behind)

    def _told(self, given: Answer | BaseModel) -> _Told:
        response = answer(given, self._service.zone)
        data = json.dumps(json.loads(bytes(response.body))["data"], ensure_ascii=False)
        digest = blake2b(data.encode("utf-8", "replace"), digest_size=12).hexdigest()
        return _Told(response, f'W/"{digest}"')

    def _questions(self, filters: _Filters) -> Any:
        return self._service.dashboard.narrowed(model=filters.model, concept=filters.concept)

    def _paths(self, filters: _Filters, limit: int) -> StrangePaths:
        found = self._questions(filters).strange_explorations(limit, filters.period)
        return strange_paths(found, self._service.tracker.journal, self._service.settings.lake)

    def _experiments_so_far(self) -> ExperimentsShown:
        if self._experiments is None:
            service = self._service
            self._experiments = ExperimentsSoFar(service.tracker.journal, service.settings.lake)
        return experiments_shown(self._experiments.look(self._now()))

    def _mark(self) -> str:
        journal, settings = self._service.tracker.journal, self._service.settings
        # what is told of today is another tomorrow
        today = self._now().astimezone(settings.time_zone).date()
        return f"{journal_mark(journal, settings.lake)} {alerts_mark(journal.path)} {today}"

    def _standing(self) -> Standing:
        settings = self._service.settings
        return Standing(
            mark=blake2b(self._mark().encode(), digest_size=12).hexdigest(),
            today=self._now().astimezone(settings.time_zone).date(),
            time_zone=str(settings.time_zone),
            krw_per_usd=settings.krw_per_usd,
            subscription_krw=settings.subscription_price_krw,
            version=self._service.version,
        )


def _sent(told: _Told, known: str | None, *, is_behind: bool = False) -> Response:
    headers = {"ETag": told.etag, "Cache-Control": "private, no-cache"}
    if is_behind:
        headers[BEHIND] = "true"
    if known is not None and told.etag in {each.strip() for each in known.split(",")}:
        return Response(None, 304, headers)
    return Response(told.response.body, 200, headers, "application/json")
