"""Erases one learner's traces, runs and assessments from MLflow, as far as MLflow lets that be done."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from examsgraph_callbacks.defaults import SQLITE, absolute
from examsgraph_callbacks.deliver.answers import refuses, status_of
from examsgraph_callbacks.deliver.arrived_turns import ArrivedTurns
from examsgraph_callbacks.deliver.assessments import assessments
from examsgraph_callbacks.deliver.checkpoint import FOLDER, CheckpointFile
from examsgraph_callbacks.deliver.dead_letters import FILE, fact_in
from examsgraph_callbacks.deliver.destination import Destination, open_destination, without_credentials
from examsgraph_callbacks.deliver.feedback_runs import FEEDBACK_EXPERIMENT
from examsgraph_callbacks.deliver.judge_evaluation import EVALUATED_TAG
from examsgraph_callbacks.deliver.path_runs import PATH_EXPERIMENT
from examsgraph_callbacks.deliver.prompt_runs import PROMPT_EXPERIMENT
from examsgraph_callbacks.deliver.repeating import repeated
from examsgraph_callbacks.deliver.runs import KEY_TAG, reaching
from examsgraph_callbacks.deliver.traces import TRACE_EXPERIMENT
from examsgraph_callbacks.events import Feedback, PromptComparison
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import blank
from examsgraph_callbacks.journal.learner import Learner

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["ForgottenInMlflow", "forget_in_mlflow"]

_EXPERIMENTS = (PATH_EXPERIMENT, FEEDBACK_EXPERIMENT, PROMPT_EXPERIMENT)
_PAGE = 100
_LONGEST = 250  # characters of a user's id that a trace keeps
_PERSONAL_TAGS = ("user_id", "session_id")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ForgottenInMlflow:
    """What was erased where; `dead_letters` are facts that never arrived there, in the journal's folder.

    `in_trash` are runs that a server's API cannot erase for good: emptied of artifacts and of the tags that
    name the learner, they stay in MLflow's trash until its operator runs `mlflow gc`.
    """

    tracking_uri: str
    traces: int = 0
    runs: int = 0
    assessments: int = 0
    dead_letters: int = 0
    in_trash: int = 0


def forget_in_mlflow(
    journal: Journal,
    learner: Learner,
    tracking_uri: str,
    then: Callable[[], T],
    patience: timedelta = timedelta(seconds=60),
) -> tuple[ForgottenInMlflow, T]:
    """Erase what MLflow has of the learner, then do `then`, and ship nothing to it meanwhile.

    Whoever ships there begins anew afterwards, so that it holds none of the learner's facts. What
    `LLM_Cost` adds up by day names nobody, and stays. Raises `DeliveryError` where MLflow cannot be
    reached, and has then not done `then`.
    """
    uri = absolute(tracking_uri)
    shown = without_credentials(uri)
    file = CheckpointFile(journal.path, uri, shown)
    with file.locked(patience):
        forgotten = ForgottenInMlflow(shown)
        if not (uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists()):
            with open_destination(uri) as destination, reaching(destination):
                forgotten = _Forgetting(destination, learner, journal).forget()
        done = then()
        letters = blank(journal.path / FOLDER / FILE, _is_learners(learner))
        file.save(file.load())
    return ForgottenInMlflow(
        shown, forgotten.traces, forgotten.runs, forgotten.assessments, letters, forgotten.in_trash
    ), done


class _Forgetting:
    def __init__(self, destination: Destination, learner: Learner, journal: Journal) -> None:
        from mlflow.tracing.client import TracingClient

        self._destination = destination
        self._learner = learner
        self._journal = journal
        self._client = destination.client
        self._traces = TracingClient(destination.uri)

    def forget(self) -> ForgottenInMlflow:
        runs = {run.info.run_id: run for run in self._runs()}
        assessed = self._forget_assessments(runs.values())
        traces = self._forget_traces()
        for run in runs.values():
            self._forget_run(run)
        in_trash = 0 if self._collected(list(runs)) else len(runs)
        return ForgottenInMlflow(self._destination.shown, traces, len(runs), assessed, in_trash=in_trash)

    def _runs(self) -> Iterator["Run"]:
        """The learner's runs, and those that stand under them."""
        for experiment in _EXPERIMENTS:
            for user_id in self._learner.user_ids:
                found = list(self._found(experiment, f"tags.user_id = {_quoted(user_id)}"))
                yield from found
                for run in found:
                    yield from self._found(experiment, f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
        for event_id in self._learner.unnamed:
            for experiment in _EXPERIMENTS:
                for run in self._found(experiment, f"tags.`{KEY_TAG}` = {_quoted(event_id)}"):
                    yield run
                    yield from self._found(experiment, f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")

    def _found(self, experiment: str, filter_string: str) -> Iterator["Run"]:
        from mlflow.entities import ViewType
        from mlflow.exceptions import MlflowException

        token: str | None = ""
        while token is not None:
            search = partial(
                self._client.search_runs,
                [self._destination.experiment_id(experiment)],
                filter_string,
                run_view_type=ViewType.ALL,
                max_results=_PAGE,
                page_token=token or None,
            )
            try:
                page = repeated(search)
            except MlflowException as error:
                if refuses(error):
                    return  # an id that its filters have no words for was taken by none of its tags
                raise
            yield from page
            token = page.token or None

    def _forget_run(self, run: "Run") -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        run_id = run.info.run_id
        repository = get_artifact_repository(run.info.artifact_uri, tracking_uri=self._destination.uri)
        for artifact in self._client.list_artifacts(run_id):
            repository.delete_artifacts(artifact.path)  # type: ignore[no-untyped-call]
        if run.info.lifecycle_stage == "active":
            for tag in _PERSONAL_TAGS:
                if tag in run.data.tags:
                    self._client.delete_tag(run_id, tag)
            self._client.delete_run(run_id)

    def _collected(self, run_ids: list[str]) -> bool:
        """Whether the runs are gone for good: by MLflow's own command, which needs the database."""
        if self._destination.is_server:
            return not run_ids
        for some in _portions(run_ids):
            command = [sys.executable, "-m", "mlflow", "gc", "--run-ids", ",".join(some)]
            subprocess.run(
                [*command, "--backend-store-uri", self._destination.uri],
                check=False,
                capture_output=True,
                env={**os.environ, "MLFLOW_TRACKING_URI": self._destination.uri},
            )
        return not any(map(self._is_there, run_ids))

    def _is_there(self, run_id: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_run(run_id)
        except MlflowException as error:
            if status_of(error) == 404:
                return False
            raise
        return True

    def _forget_traces(self) -> int:
        """Those that name the learner, and those of the learner's turns."""
        found: dict[str, None] = {}
        for user_id in self._learner.user_ids:
            filter_string = f"metadata.`mlflow.trace.user` = {_quoted(user_id[:_LONGEST])}"
            found.update(dict.fromkeys(self._trace_ids(filter_string)))
        arrived = ArrivedTurns(self._destination).by_id(self._learner.traces)
        found.update((turn.trace_id, None) for turn in arrived.values())
        return self._delete_traces(TRACE_EXPERIMENT, found) + self._forget_evaluated()

    def _forget_evaluated(self) -> int:
        """The traces on which the learner's answers were judged."""
        found: dict[str, None] = {}
        for fact in self._journal.read(lambda _problem: None):
            if isinstance(fact, PromptComparison) and fact.event_id in self._learner.events:
                filter_string = f"tags.`{EVALUATED_TAG}` = {_quoted(fact.event_id)}"
                found.update(dict.fromkeys(self._trace_ids(filter_string, PROMPT_EXPERIMENT)))
        return self._delete_traces(PROMPT_EXPERIMENT, found)

    def _delete_traces(self, experiment: str, trace_ids: Iterable[str]) -> int:
        experiment_id = self._destination.experiment_id(experiment)
        portions = _portions(list(trace_ids))
        return sum(self._traces.delete_traces(experiment_id, trace_ids=some) for some in portions)

    def _trace_ids(self, filter_string: str, experiment: str = TRACE_EXPERIMENT) -> Iterator[str]:
        from mlflow.exceptions import MlflowException

        token: str | None = ""
        while token is not None:
            search = partial(
                self._traces.search_traces,
                locations=[self._destination.experiment_id(experiment)],
                filter_string=filter_string,
                max_results=_PAGE,
                page_token=token or None,
                include_spans=False,
            )
            try:
                page = repeated(search)
            except MlflowException as error:
                if refuses(error):
                    return
                raise
            yield from (trace.info.trace_id for trace in page)
            token = page.token or None

    def _forget_assessments(self, runs: Iterable["Run"]) -> int:
        """What the learner said on whatever trace."""
        from mlflow.exceptions import MlflowException

        said = {run.data.tags.get(KEY_TAG): run.data.tags.get("trace_id") for run in runs}
        erased = 0
        for fact in self._journal.read(lambda _problem: None):
            if not isinstance(fact, Feedback) or fact.event_id not in self._learner.events:
                continue
            trace_id = said.get(fact.event_id) or (fact.trace_id and f"tr-{fact.trace_id}")
            if not trace_id:
                continue
            for assessment in assessments(fact):
                try:
                    self._traces.delete_assessment(trace_id, str(assessment.assessment_id))
                except MlflowException as error:
                    if status_of(error) != 404:
                        raise
                else:
                    erased += 1
        return erased


def _is_learners(learner: Learner) -> Callable[[bytes], bool]:
    def is_learners(line: bytes) -> bool:
        fact = fact_in(line)
        return learner.is_named_in(line) if fact is None else learner.owns(fact)

    return is_learners


def _portions(ids: list[str]) -> Iterator[list[str]]:
    each = iter(ids)
    while some := list(islice(each, _PAGE)):
        yield some


def _quoted(value: str) -> str:
    quote = '"' if "'" in value else "'"
    return f"{quote}{value}{quote}"
