"""The routes: paths, methods and names of the product's document, each a thin call into the service."""

import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from examsgraph_callbacks.analytics.answers import Answer
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.server.access import Scope
from examsgraph_callbacks.server.answers import Health, answer, recorded
from examsgraph_callbacks.server.dashboard import add_dashboard
from examsgraph_callbacks.server.documentation import ANSWERS, REPORTS, TEXT, refusals, report_body
from examsgraph_callbacks.server.experiments import add_experiments
from examsgraph_callbacks.server.periods import Since, Until, period_of
from examsgraph_callbacks.server.questions import Questions
from examsgraph_callbacks.server.refusals import Refusal, refusal_of_field
from examsgraph_callbacks.server.service import Service
from examsgraph_callbacks.tracker import AnyReport, Problem

__all__ = ["PREFIX", "PUBLIC", "api_router"]

PREFIX = "/v1/mlflow"

PUBLIC = "public"
"""The tag of what anybody may ask."""

_LONGEST_LIMIT = 1000
_FORWARDED = 100  # characters of what came

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def api_router(service: Service | None = None, now: Callable[[], datetime] | None = None) -> APIRouter:
    """The routes under `/v1/mlflow`, with `/health` and `/metrics`; of the configured journal by default.

    `now` tells the time by which the experiments are looked at, UTC by default.
    """
    service = service or Service()
    router = APIRouter(route_class=_guarded(service))
    for path, kind in REPORTS.items():
        _add_report(router, service, path, kind)
    _add_questions(router, service)
    add_experiments(router, service, PREFIX, now)
    add_dashboard(router, service, PREFIX, now)
    _add_state(router, service)
    return router


def _guarded(service: Service) -> type[APIRoute]:
    """Routes that let in who may, count what they answer, and say no in one shape."""

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()
            writes = "POST" in (self.methods or ())
            scope: Scope | None = None if PUBLIC in self.tags else "write" if writes else "read"

            async def guarded(request: Request) -> Response:
                began = time.perf_counter()
                try:
                    service.admit(request, scope)
                    response = await handle(request)
                except HTTPException:
                    raise
                except Refusal as refusal:
                    response = refusal.response()
                except RequestValidationError as error:
                    response = _refused_parameter(error).response()
                except ClientDisconnect:
                    response = Refusal(400, "expected the whole body").response()
                except Exception as error:  # noqa: BLE001 - whatever it is, the answer shows nothing of it
                    failures.report("answering a request", error)
                    response = Refusal(500, "this request failed in the server, which goes on").response()
                service.figures.count(self.path_format, response.status_code, time.perf_counter() - began)
                return response

            return guarded

    return GuardedRoute


def _add_report(router: APIRouter, service: Service, path: str, kind: type[AnyReport]) -> None:
    async def report(request: Request) -> Response:
        return recorded(await service.record(request, kind), service.zone)

    router.add_api_route(
        f"{PREFIX}/{path}",
        report,
        methods=["POST"],
        name=path.replace("-", "_"),
        summary=path.replace("-", " ").capitalize(),
        description=kind.__doc__,
        response_model=None,
        responses=ANSWERS["report"] | refusals(400, 401, 403, 408, 413, 415, 422, 429, 503),
        openapi_extra=report_body(path, kind),
    )


def _add_questions(router: APIRouter, service: Service) -> None:
    def question(path: str) -> Callable[[Callable[..., Coroutine[Any, Any, Response]]], object]:
        return router.get(
            f"{PREFIX}/analytics/{path}",
            response_model=None,
            responses=ANSWERS[path] | refusals(401, 403, 422, 429, 503),
        )

    async def asked(ask: Callable[[Questions], Answer]) -> Response:
        return answer(await service.ask(ask), service.zone)

    @question("top-failed-concepts")
    async def top_failed_concepts(
        limit: Annotated[int, Query(ge=1, le=_LONGEST_LIMIT)] = 5, since: Since = None, until: Until = None
    ) -> Response:
        """The concepts whose explanations failed most: thumbs down, or an understanding of 2 or less."""
        period = period_of(since, until, service.zone)
        return await asked(lambda questions: questions.top_failed_concepts(limit, period))

    @question("average-cost")
    async def average_cost(
        user_id: Annotated[str | None, Query(min_length=1, max_length=256)] = None,
        since: Since = None,
        until: Until = None,
    ) -> Response:
        """What a learner costs in a calendar month: one of them, or on average over all."""
        period = period_of(since, until, service.zone)
        recorded_id = service.recorded_user(user_id)
        cost = await service.ask(lambda questions: questions.average_cost(recorded_id, period))
        return answer(cost.model_copy(update={"user_id": user_id}), service.zone)

    @question("margin")
    async def margin(since: Since = None, until: Until = None) -> Response:
        """The subscription's price against what a learner costs in a month."""
        period = period_of(since, until, service.zone)
        return await asked(lambda questions: questions.margin(period))

    @question("cost-by-hour")
    async def cost_by_hour(since: Since = None, until: Until = None) -> Response:
        """Cost by hour and model."""
        period = period_of(since, until, service.zone)
        return await asked(lambda questions: questions.cost_by_hour(period))

    @question("routing")
    async def routing(since: Since = None, until: Until = None) -> Response:
        """Task type by served model: calls, cost, misroutes, and how the answers were understood."""
        period = period_of(since, until, service.zone)
        return await asked(lambda questions: questions.routing(period))

    @question("understanding-by-concept")
    async def understanding_by_concept(since: Since = None, until: Until = None) -> Response:
        """How well each concept was understood."""
        period = period_of(since, until, service.zone)
        return await asked(lambda questions: questions.understanding_by_concept(period))

    @question("path-quality")
    async def path_quality(since: Since = None, until: Until = None) -> Response:
        """How long the paths through the graph are, how deep, and how often astray."""
        period = period_of(since, until, service.zone)
        return await asked(lambda questions: questions.path_quality(period))


def _add_state(router: APIRouter, service: Service) -> None:
    @router.get("/health", tags=[PUBLIC], response_model=None, responses=ANSWERS["health"])
    async def health() -> Response:
        """Whether facts can be written."""
        ok = service.can_write()
        state = Health(status="ok" if ok else "the journal cannot be written", version=service.version)
        return answer(state, service.zone, 200 if ok else 503)

    @router.get("/metrics", response_model=None, responses=TEXT | refusals(401, 403, 429))
    async def metrics() -> Response:
        """For Prometheus: what the journal adds up to, how far it is shipped, the server's requests."""
        # what is new is counted in the journal's files: reports go on meanwhile
        return await service.scrapes.done()


def _refused_parameter(error: RequestValidationError) -> Refusal:
    detail: Mapping[str, Any] = error.errors()[0]
    came = detail.get("input")
    return refusal_of_field(
        Problem(
            field=".".join(map(str, detail["loc"][1:])) or None,
            came=None if came is None else repr(came)[:_FORWARDED],
            allowed=detail["msg"].removeprefix("Input should be ").removeprefix("Value error, "),
        ),
    )
