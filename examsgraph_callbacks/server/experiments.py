"""The routes of the prompt experiments: hand a prompt out, score an answer, read the verdict."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from math import isfinite
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from examsgraph_callbacks.errors import InvalidInputError, MissingExtraError
from examsgraph_callbacks.experiments import (
    ExperimentReport,
    HandedOut,
    PromptHandout,
    load_experiments,
    report_experiment,
)
from examsgraph_callbacks.experiments.page import experiment_page
from examsgraph_callbacks.experiments.words import verdict_in_words
from examsgraph_callbacks.server.answers import answer, recorded
from examsgraph_callbacks.server.bodies import read_report
from examsgraph_callbacks.server.documentation import PAGE, answered, refusals, report_schema
from examsgraph_callbacks.server.refusals import Refusal
from examsgraph_callbacks.server.service import Service
from examsgraph_callbacks.tracker import PromptScoreReport
from examsgraph_callbacks.tracker.fields import LABEL, TRACE, Label, TraceId

__all__ = ["HandOutRequest", "add_experiments"]

Now = Callable[[], datetime]
Name = Annotated[str, Path(min_length=1, max_length=256, description="The experiment's name.")]


class HandOutRequest(BaseModel):
    """Whom a prompt is for. The exposure is recorded: ask when the prompt is used, once a turn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_id: Label = Field(description=LABEL)
    session_id: Label | None = Field(None, description=LABEL)
    question_id: Label | None = Field(None, description=LABEL)
    trace_id: TraceId | None = Field(None, description=TRACE)


class HandedOutPrompt(BaseModel):
    """The learner's prompt: the control's, and nothing recorded, where the `reason` keeps them out."""

    experiment: str
    variant: str
    prompt: str
    in_experiment: bool
    reason: Literal["in_experiment", "holdout", "namespace", "coverage"]


class ExperimentVerdict(BaseModel):
    """The report, and each verdict in a sentence."""

    model_config = ConfigDict(extra="allow")

    experiment: str
    sentences: list[str]


class _Experiments:
    """The experiments of the file that the server was given, and of the journal that it writes."""

    def __init__(self, service: Service, now: Now) -> None:
        self._service = service
        self._now = now

    @cached_property
    def _handouts(self) -> dict[str, PromptHandout]:
        file = self._service.settings.experiments
        experiments = {} if file is None else load_experiments(file)
        journal = self._service.tracker.journal
        return {name: PromptHandout(experiment, journal) for name, experiment in experiments.items()}

    def give(self, name: str, asked: HandOutRequest) -> HandedOut:
        """The learner's prompt, on record once this returns.

        Raises `JournalUnavailableError` where the disk does not take it now.
        """
        try:
            handouts = self._handouts
        except InvalidInputError as error:
            raise Refusal(503, str(error)) from error
        if name not in handouts:
            known = ", ".join(handouts) or "none: set EXAMSGRAPH_EXPERIMENTS to a file of them"
            raise Refusal(404, f"expected one of the experiments that this server hands out ({known})")
        about = asked.model_dump(exclude={"user_id"}, exclude_none=True)
        given = handouts[name].give(asked.user_id)
        if given.assignment.in_experiment:
            handouts[name].insist_on_exposure(asked.user_id, given.variant, about)
        return given

    def report(self, name: str) -> ExperimentReport:
        """The report as it stands today."""
        try:
            return report_experiment(self._service.tracker.journal.read(), name, self._now())
        except MissingExtraError as error:
            raise Refusal(503, str(error)) from error
        except InvalidInputError as error:
            raise Refusal(404, str(error)) from error


def add_experiments(router: APIRouter, service: Service, prefix: str, now: Now | None = None) -> None:
    """Add the routes to the guarded router; `now` is for those who cannot wait for tomorrow."""
    experiments = _Experiments(service, now or (lambda: datetime.now(UTC)))

    @router.post(
        f"{prefix}/experiments/{{name}}/hand-out",
        response_model=None,
        responses=answered("The learner's prompt; its exposure is on disk.", HandedOutPrompt)
        | refusals(400, 401, 403, 404, 408, 413, 415, 422, 429, 503),
        openapi_extra=report_schema(HandOutRequest, {"a learner": _LEARNER}),
    )
    async def hand_out(name: Name, request: Request) -> Response:
        """A prompt for a learner: the same variant every time."""
        asked = await read_report(request, HandOutRequest, service.settings.api_body_limit)
        given = await service.written(lambda: experiments.give(name, asked))
        prompt = HandedOutPrompt(
            experiment=name,
            variant=given.variant,
            prompt=given.text,
            in_experiment=given.assignment.in_experiment,
            reason=given.assignment.reason,
        )
        return answer(prompt, service.zone)

    @router.get(
        f"{prefix}/experiments/{{name}}/report",
        response_model=None,
        responses=answered("As of the end of yesterday (UTC).", ExperimentVerdict)
        | refusals(401, 403, 404, 422, 429, 503),
    )
    async def report(name: Name) -> Response:
        """Which variant is better for learners, as far as one may say so today."""
        found = await service.work_out(lambda: experiments.report(name))
        return answer(_verdict(found), service.zone)

    @router.get(
        f"{prefix}/experiments/{{name}}/page",
        response_model=None,
        responses=PAGE | refusals(401, 403, 404, 422, 429, 503),
    )
    async def page(name: Name) -> Response:
        """The same as a page of one file."""
        found = await service.work_out(lambda: experiments.report(name))
        return Response(experiment_page(found), media_type="text/html; charset=utf-8")

    @router.post(
        f"{prefix}/score-prompt",
        response_model=None,
        responses=answered("The fact is on disk.", _Recorded)
        | refusals(400, 401, 403, 408, 413, 415, 422, 429, 503),
        openapi_extra=report_schema(PromptScoreReport, {"a good answer": _SCORE}),
    )
    async def score_prompt(request: Request) -> Response:
        """What a person thinks of one answer of a comparison; MLflow shows it as `manual_score`."""
        return recorded(await service.record(request, PromptScoreReport), service.zone)


class _Recorded(BaseModel):
    event_id: str


_LEARNER: JsonValue = {"user_id": "user_001", "session_id": "session_123", "question_id": "q_002"}
_SCORE: JsonValue = {
    "comparison_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "prompt_variant": "v2_friendly",
    "score": 4.5,
}


def _verdict(report: ExperimentReport) -> ExperimentVerdict:
    sentences = [verdict_in_words(report, comparison) for comparison in report.comparisons]
    return ExperimentVerdict.model_validate({**_plain(asdict(report)), "sentences": sentences})


def _plain(content: Any) -> Any:
    """As JSON has it: an interval without an end has null there."""
    if isinstance(content, Mapping):
        return {key: _plain(item) for key, item in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(item) for item in content]
    return None if isinstance(content, float) and not isfinite(content) else content
