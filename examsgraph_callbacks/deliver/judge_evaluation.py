"""Judges pairs of answers by MLflow's evaluation: a run a variant, in it the assessments of each question."""

import io
import logging
import os
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

from examsgraph_callbacks.deliver.answers import first_line
from examsgraph_callbacks.deliver.destination import Destination, open_destination
from examsgraph_callbacks.deliver.prompt_runs import PROMPT_EXPERIMENT
from examsgraph_callbacks.deliver.surroundings import logger_at, mlflow_turned_to
from examsgraph_callbacks.errors import DeliveryError, InvalidInputError
from examsgraph_callbacks.experiments.judging import Judged, Judging, Spent
from examsgraph_callbacks.experiments.opinions import Judgement, Pair

if TYPE_CHECKING:
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import Scorer

__all__ = ["EVALUATED_TAG", "JudgeRun", "evaluate_judging"]

EVALUATED_TAG = "examsgraph.comparison_id"
"""The tag of a trace whose answers were judged: the `event_id` of their comparison."""

_PREFERRED = "preferred"
_PAGE = 100
_JUDGE_TAG = "examsgraph.judge"
_THREADS = "MlflowGenAIEval"
_WORKERS = "MLFLOW_GENAI_EVAL_MAX_WORKERS"


@dataclass(frozen=True, slots=True)
class JudgeRun:
    """The evaluation run of one variant; `missing` counts the judgements that MLflow did not take."""

    variant: str
    run_id: str
    url: str | None
    missing: int


def evaluate_judging(judging: Judging, tracking_uri: str, *, concurrency: int = 4) -> tuple[JudgeRun, ...]:
    """Have `mlflow.genai.evaluate` judge each variant's answers, `concurrency` pairs at a time.

    In `Prompt_Experimentation` it makes an evaluation run a variant. A question is a trace there, with the
    assessments `preferred` (a variant's name, or `tie`; the judge's rationale), `judge_score` (1, 0.5 or 0)
    and `position_consistent`. Each judgement is in the journal as soon as it is made: where MLflow fails
    half-way, it is evaluated again without asking again.

    For one thread of a process at a time, in which no run is active: another one waits until this is done.
    Raises `DeliveryError`
    where MLflow cannot be reached, before anything is asked where that is so from the beginning.
    """
    import mlflow

    with open_destination(tracking_uri) as destination:
        if mlflow.active_run() is not None:
            raise InvalidInputError("expected no active MLflow run to evaluate in: end yours before")
        experiment_id = destination.experiment_id(PROMPT_EXPERIMENT)
        variants = dict.fromkeys(pair.variant for pair in judging.pairs)
        try:
            with _evaluating(judging, destination.uri, concurrency):
                return tuple(_evaluate(judging, name, destination, experiment_id) for name in variants)
        except DeliveryError:
            raise
        except Exception as error:  # MLflow's harness meets what did not arrive with whatever it raises then
            raise DeliveryError(
                f"expected the MLflow at {destination.shown} to take an evaluation, got {first_line(error)}: "
                "see to it and judge again, what is judged is not asked again",
            ) from error


def _evaluate(judging: Judging, variant: str, destination: Destination, experiment_id: str) -> JudgeRun:
    import mlflow

    pairs = {pair.comparison.event_id: pair for pair in judging.pairs if pair.variant == variant}
    control = next(iter(pairs.values())).control
    spent = judging.spent()
    with mlflow.start_run(
        experiment_id=experiment_id,
        run_name=f"{variant} against {control} ({judging.name})",
        tags={_JUDGE_TAG: judging.judge_name, "variant": variant},
    ) as run:
        mlflow.log_params(
            {"comparison": judging.name, "variant": variant, "control": control, "judge": judging.judge_name}
        )
        with redirect_stdout(io.StringIO()):  # it tells of itself
            mlflow.genai.evaluate(
                data=[_row(pair) for pair in pairs.values()], scorers=[_scorer(judging, pairs)]
            )
        mlflow.log_metrics(_metrics(judging.result(variant), judging.spent(spent)))
    # it only logs a warning of what could not be delivered
    missing = len(pairs) - _arrived(destination, experiment_id, run.info.run_id)
    url = None
    if destination.is_server:
        place = f"experiments/{experiment_id}/evaluation-runs?selectedRunUuid={run.info.run_id}"
        url = f"{destination.shown}/#/{place}"
    return JudgeRun(variant, run.info.run_id, url, missing)


def _arrived(destination: Destination, experiment_id: str, run_id: str) -> int:
    """How many pairs of the run have an assessment in MLflow."""
    count, token = 0, None
    while True:
        page = destination.client.search_traces(
            locations=[experiment_id],
            run_id=run_id,
            max_results=_PAGE,
            page_token=token,
            include_spans=False,
        )
        count += sum(any(each.name == _PREFERRED for each in trace.info.assessments) for trace in page)
        token = page.token
        if not token:
            return count


def _row(pair: Pair) -> dict[str, object]:
    """A question as MLflow evaluates it: the variant's answer, beside all else that the judge is shown."""
    said = pair.comparison
    inputs = {
        "question_id": said.question_id,
        "user_answer": said.user_answer,
        "correct_answer": said.correct_answer,
        pair.control: said.generated_responses[pair.control],
        "comparison_id": said.event_id,
    }
    return {
        "inputs": {name: value for name, value in inputs.items() if value is not None},
        "outputs": said.generated_responses[pair.variant],
        "tags": {EVALUATED_TAG: said.event_id, "variant": pair.variant},
    }


def _scorer(judging: Judging, pairs: Mapping[str, Pair]) -> "Scorer":
    from mlflow.genai.scorers import scorer

    @scorer(name=_PREFERRED)
    def preferred(inputs: dict[str, str]) -> "list[Feedback]":
        pair = pairs[inputs["comparison_id"]]
        return _feedback(pair, judging.judge(pair), judging.judge_name)

    scoring: Scorer = preferred
    return scoring


def _feedback(pair: Pair, judgement: Judgement, judge: str) -> "list[Feedback]":
    from mlflow.entities import AssessmentError, AssessmentSource, Feedback

    source = AssessmentSource("LLM_JUDGE", judge)
    if judgement.score is None:
        problem = AssessmentError("NOT_JUDGED", judgement.problem)
        return [Feedback(name=_PREFERRED, error=problem, source=source, rationale=judgement.rationale)]
    winner = {1.0: pair.variant, 0.0: pair.control}.get(judgement.score, "tie")
    values: dict[str, str | float | bool | None] = {
        _PREFERRED: winner,
        "judge_score": judgement.score,
        "position_consistent": judgement.position_consistent,
    }
    return [
        Feedback(name=name, value=value, source=source, rationale=judgement.rationale)
        for name, value in values.items()
        if value is not None
    ]


def _metrics(judged: Judged, spent: Spent) -> dict[str, float]:
    """What is known of the variant's judgements, and of what they cost now."""
    figures = {
        "pairs": judged.pairs,
        "wins": judged.wins,
        "losses": judged.losses,
        "ties": judged.pairs - judged.wins - judged.losses,
        "win_rate": None if judged.win_rate is None else judged.win_rate.value,
        "position_inconsistent_share": judged.contradicted_share,
        "unjudged": judged.unjudged,
        "judge_calls": spent.calls,
        # of a call without a price nobody knows what it cost: no figure is better than one too low
        "judge_cost_usd": None if spent.unpriced else spent.cost_usd,
    }
    return {name: float(value) for name, value in figures.items() if value is not None}


@contextmanager
def _evaluating(judging: Judging, uri: str, concurrency: int) -> Iterator[None]:
    """MLflow's fluent interface, turned to this place; all is as it was afterwards."""
    from mlflow.utils.autologging_utils import disable_autologging

    # first of all: what else is changed is the process's own too, and one evaluation's at a time
    with mlflow_turned_to(uri), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own making, about its own types
        with (
            _workers(concurrency),
            _without_bar(),
            # it would trace the judge's own calls beside the answers that are judged, and say so
            disable_autologging(),
            logger_at("mlflow.models.evaluation.utils.trace", logging.WARNING),
            logger_at("mlflow.genai.evaluation.harness", logging.ERROR),  # what did not arrive is counted
        ):
            try:
                yield
            finally:
                judging.stop()
                _await_workers()


def _await_workers() -> None:
    """Broken off, MLflow leaves its threads to what they are at, which is to end up in the same place."""
    for thread in threading.enumerate():
        # the daemon among them waits for ever to hand in more
        if thread.name.startswith(_THREADS) and not thread.daemon:
            thread.join()


@contextmanager
def _workers(count: int) -> Iterator[None]:
    before = os.environ.get(_WORKERS)
    os.environ[_WORKERS] = str(count)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_WORKERS]
        else:
            os.environ[_WORKERS] = before


@contextmanager
def _without_bar() -> Iterator[None]:
    """MLflow's bar would stand in the way of ours, and in every log; without tqdm it does without, too."""
    from mlflow.genai.evaluation import harness

    name = "tqdm"
    bar = getattr(harness, name, None)
    setattr(harness, name, None)
    try:
        yield
    finally:
        setattr(harness, name, bar)
