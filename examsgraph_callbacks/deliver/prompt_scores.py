"""Writes scores that were given later onto the runs of the answers that they are about."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from examsgraph_callbacks.deliver.answers import refuses
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.repeating import repeated
from examsgraph_callbacks.deliver.runs import KEY_TAG, RunWriter, milliseconds
from examsgraph_callbacks.events import PromptScore, Scorer

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["write_scores"]

_METRICS: dict[Scorer, str] = {"person": "manual_score", "judge": "judge_score"}


def write_scores(
    destination: Destination, runs: RunWriter, scores: Iterable[PromptScore]
) -> list[PromptScore]:
    """Log each score as `manual_score` or `judge_score`, the latest of several; returns those without a run.

    Doing it again changes nothing. One that MLflow refuses is set aside; where it cannot be reached, its own
    error is raised.
    """
    from mlflow.exceptions import MlflowException

    waiting: list[PromptScore] = []
    for score in scores:
        try:
            run = _run(destination, runs.experiment_id, score)
            if run is None:
                waiting.append(score)
                continue
            log = partial(
                destination.client.log_metric,
                run.info.run_id,
                _METRICS[score.scorer],
                score.score,
                timestamp=milliseconds(score.started_at),
            )
            repeated(log)
        except MlflowException as error:
            if not refuses(error):
                raise
            runs.set_aside([score], error)
        else:
            runs.progress += 1
    return waiting


def _run(destination: Destination, experiment_id: str, score: PromptScore) -> "Run | None":
    key = f"{score.comparison_id}/{score.prompt_variant}"
    quote = '"' if "'" in key else "'"
    search = partial(
        destination.client.search_runs,
        [experiment_id],
        f"tags.`{KEY_TAG}` = {quote}{key}{quote}",
        max_results=1,
    )
    return next(iter(repeated(search)), None)
