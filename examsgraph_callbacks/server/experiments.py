"""The routes of the prompt experiments: hand a prompt out, score an answer, read the verdict."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import PromptExperimentPlan
from examsgraph_callbacks.experiments import (
    ExperimentReport,
    HandedOut,
    PromptHandout,
    load_experiments,
    report_experiment,
)
from examsgraph_callbacks.experiments.page import PAGE_STYLE, experiment_page
from examsgraph_callbacks.experiments.words import verdict_in_words
from examsgraph_callbacks.journal.mark import journal_mark
from examsgraph_callbacks.journal.picking import FactsOfKinds
from examsgraph_callbacks.server.answers import answer, recorded
from examsgraph_callbacks.server.bodies import read_report
from examsgraph_callbacks.server.documentation import PAGE, answered, refusals, report_schema
from examsgraph_callbacks.server.pages import page_response
from examsgraph_callbacks.server.questions import OneAtATime
from examsgraph_callbacks.server.refusals import Refusal
from examsgraph_callbacks.server.remembering import Remembered
from examsgraph_callbacks.server.service import Service
from examsgraph_callbacks.tracker import PromptScoreReport
from examsgraph_callbacks.tracker.fields import LABEL, TRACE, Label, TraceId

__all__ = ["HandOutRequest", "add_experiments"]

Now = Callable[[], datetime]
_NAMED = 20  # experiments, in a refusal
_REPORT_BYTES = 64 * 1024
_MOST_BYTES = 64 * _REPORT_BYTES

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
        # reading a whole journal holds up no question
        self._working = OneAtATime("examsgraph-verdicts")
        self._plans: FactsOfKinds | None = None
        self._names: frozenset[str] = frozenset()
        self._remembered: Remembered[ExperimentReport] = Remembered(
            lambda _report: _REPORT_BYTES, _MOST_BYTES
        )

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
            raise Refusal(503, self._service.without_places(str(error))) from error
        if name not in handouts:
            known = ", ".join(handouts) or "none: set EXAMSGRAPH_EXPERIMENTS to a file of them"
            raise Refusal(404, f"expected one of the experiments that this server hands out ({known})")
        about = asked.model_dump(exclude={"user_id"}, exclude_none=True)
        given = handouts[name].give(asked.user_id)
        if given.assignment.in_experiment:
            handouts[name].insist_on_exposure(asked.user_id, given.variant, about)
        return given

    async def report(self, name: str) -> ExperimentReport:
        """The report as it stands today: the one that was worked out before while the journal is the same.

        Raises the `Refusal` that is due where there is none.
        """
        known, mark = await self._service.work_out(self._look, self._working)
        if name not in known:
            found = ", ".join(sorted(known)[:_NAMED]) or "none"
            raise Refusal(
                404,
                f"expected the name of an experiment in the journal ({found}): hand its prompts out first",
            )

        async def worked_out() -> ExperimentReport:
            return await self._service.work_out(lambda: self._report(name), self._working)

        # of another journal, or another day, it is another question: none waits for an older one's answer
        report, _ = await self._remembered.get((name, mark), mark, worked_out)
        return report

    def _look(self) -> tuple[frozenset[str], str]:
        """The names of the experiments in the journal, and what tells its reports from earlier ones."""
        service = self._service
        journal, lake = service.tracker.journal, service.settings.lake
        # first: what comes after it is in the report, and known by another mark
        mark = f"{journal_mark(journal, lake)} {self._now().astimezone(UTC).date()}"
        if self._plans is None:
            self._plans = FactsOfKinds(journal, ("prompt_experiment",), lake)
        new = self._plans.new()
        names = {fact.experiment for fact in new if isinstance(fact, PromptExperimentPlan)}
        self._names = frozenset(names if self._plans.restarted else self._names | names)
        return self._names, mark

    def _report(self, name: str) -> ExperimentReport:
        service = self._service
        facts = service.tracker.journal.read(lake=service.settings.lake)
        return report_experiment(facts, name, self._now())


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
        found = await experiments.report(name)
        return answer(_verdict(found), service.zone)

    @router.get(
        f"{prefix}/experiments/{{name}}/page",
        response_model=None,
        responses=PAGE | refusals(401, 403, 404, 422, 429, 503),
    )
    async def page(name: Name) -> Response:
        """The same as a page of one file."""
        found = await experiments.report(name)
        return page_response(experiment_page(found), PAGE_STYLE)

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
    return ExperimentVerdict.model_validate({**asdict(report), "sentences": sentences})
