"""Writes explorations to MLflow as runs of `GraphRAG_Path_Tracing`, each once."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from examsgraph_callbacks.deliver.answers import is_unavailable
from examsgraph_callbacks.deliver.contents import answer_text
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.faults import Faults
from examsgraph_callbacks.deliver.repeating import repeated
from examsgraph_callbacks.deliver.turns import Turn
from examsgraph_callbacks.events import Exploration, LLMCall, Trace
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph import path_artifact
from examsgraph_callbacks.graph.pictures import draw_svg, path_page
from examsgraph_callbacks.measure import measure_path

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["EVENT_ID_TAG", "PATH_EXPERIMENT", "Explained", "PathRunWriter", "explained_explorations"]

PATH_EXPERIMENT = "GraphRAG_Path_Tracing"
EVENT_ID_TAG = "examsgraph.event_id"
"""The tag by which a run is known again when its exploration is delivered once more."""

_PICTURES: dict[str, Callable[[Exploration], str]] = {
    "graph_exploration_path.svg": draw_svg,
    "graph_exploration_path.html": path_page,
}
_PAGE = 1000  # runs an answer
_NAME_LIMIT = 100  # characters


@dataclass(frozen=True, slots=True)
class Explained:
    """An exploration, and the explanation that was given after it, where it is known."""

    fact: Exploration
    explanation: str | None


class PathRunWriter:
    """Writes explorations into the experiment `GraphRAG_Path_Tracing`, a run each.

    An exploration whose run is there already is known by the tag `examsgraph.event_id`: its run is
    finished if it was left half-written, else left alone. One that cannot be a run, or that MLflow
    refuses, is counted in `refused` and set aside. Raises `DeliveryError` where MLflow cannot be reached.
    """

    def __init__(self, destination: Destination, dead_letters: DeadLetters) -> None:
        self._destination = destination
        self._dead_letters = dead_letters
        self.refused = 0
        self.written = 0

    def write(self, explorations: Sequence[Explained]) -> int:
        """Write what is new of `explorations`; returns how many runs that were."""
        from mlflow.exceptions import MlflowException

        if not explorations:
            return 0
        try:
            return self._write(explorations)
        except (MlflowException, OSError) as error:
            raise self._destination.unreachable(error) from error

    def _write(self, explorations: Sequence[Explained]) -> int:
        from mlflow.exceptions import MlflowException

        experiment_id = self._destination.experiment_id(PATH_EXPERIMENT)
        known = _known_runs(self._destination, experiment_id, [each.fact for each in explorations])
        run_ids: dict[str, str] = {}
        faults: Faults[Explained] = Faults()

        def write_one(exploration: Explained) -> None:
            fact = exploration.fact
            run = known[fact.event_id] = known.get(fact.event_id) or _create(
                self._destination, experiment_id, fact
            )
            _fill(self._destination, run.info.run_id, exploration)
            run_ids[fact.event_id] = run.info.run_id
            self.written += 1

        for exploration in explorations:
            fact = exploration.fact
            run = known.get(fact.event_id)
            if run is not None and (run.info.status != "RUNNING" or run.info.lifecycle_stage != "active"):
                self._link(run, fact)
                continue
            try:
                write_one(exploration)
            except (MlflowException, OSError) as error:
                if is_unavailable(error):
                    raise
                faults.add(exploration, error)
            except Exception as error:  # noqa: BLE001 - whatever one odd exploration brings about
                self._set_aside(fact, error)
            else:
                faults.taken(exploration)
        for exploration, why in faults.settle(
            lambda taken: self._tag(run_ids[taken.fact.event_id], taken.fact), write_one
        ):
            self._set_aside(exploration.fact, why)
        return len(run_ids)

    def _link(self, run: "Run", fact: Exploration) -> None:
        """Name the trace of a run whose turn has arrived after it."""
        if fact.trace_id is None or "trace_id" in run.data.tags or run.info.lifecycle_stage != "active":
            return
        repeated(lambda: self._destination.client.set_tag(run.info.run_id, "trace_id", f"tr-{fact.trace_id}"))

    def _tag(self, run_id: str, fact: Exploration) -> None:
        repeated(lambda: self._destination.client.set_tag(run_id, EVENT_ID_TAG, fact.event_id))

    def _set_aside(self, fact: Exploration, error: Exception) -> None:
        self.refused += 1
        self._dead_letters.set_aside([fact], error)


def explained_explorations(turn: Turn) -> list[Explained]:
    """The turn's explorations with the explanation that was given after them.

    It is the exploration's own, else what the turn put out, else its last call's answer.
    """
    told = _explanation(turn)
    return [
        Explained(fact, fact.final_explanation or told)
        for fact in turn.facts
        if isinstance(fact, Exploration)
    ]


def _known_runs(
    destination: Destination,
    experiment_id: str,
    explorations: Iterable[Exploration],
) -> dict[str, "Run"]:
    """The runs of explorations that began in the same time, deleted ones too, by their event ids."""
    from mlflow.entities import ViewType

    begins = [_ms(exploration.started_at) for exploration in explorations]
    in_that_time = f"attributes.start_time >= {min(begins)} AND attributes.start_time <= {max(begins)}"
    known: dict[str, Run] = {}
    token: str | None = ""
    while token is not None:
        page = repeated(
            partial(
                destination.client.search_runs,
                [experiment_id],
                filter_string=in_that_time,
                run_view_type=ViewType.ALL,
                max_results=_PAGE,
                page_token=token or None,
            ),
        )
        known.update((run.data.tags[EVENT_ID_TAG], run) for run in page if EVENT_ID_TAG in run.data.tags)
        token = page.token or None
    return known


def _create(destination: Destination, experiment_id: str, exploration: Exploration) -> "Run":
    tags = {
        EVENT_ID_TAG: exploration.event_id,
        "trace_id": exploration.trace_id and f"tr-{exploration.trace_id}",
        "wrong_concept": exploration.wrong_concept,
        "question_id": exploration.question_id,
        "user_id": exploration.user_id,
    }
    return destination.client.create_run(
        experiment_id,
        start_time=_ms(exploration.started_at),
        run_name=(exploration.wrong_concept or exploration.query or PATH_EXPERIMENT)[:_NAME_LIMIT],
        tags={key: value for key, value in tags.items() if value},
    )


def _fill(destination: Destination, run_id: str, explained: Explained) -> None:
    """Metrics, parameters and artifacts; doing it again changes nothing."""
    from mlflow.entities import Metric, Param

    exploration = explained.fact.model_copy(update={"final_explanation": explained.explanation})
    ended_ms = _ms(exploration.ended_at)
    params = exploration.retrieval_params.model_dump(exclude_none=True)
    repeated(
        lambda: destination.client.log_batch(
            run_id,
            metrics=[Metric(key, value, ended_ms, 0) for key, value in _metrics(exploration).items()],
            params=[Param(key, str(value)) for key, value in params.items()],
        ),
    )
    artifact = json.dumps(path_artifact(exploration), ensure_ascii=False, indent=2)
    with TemporaryDirectory(prefix="examsgraph-") as folder:
        Path(folder, "graph_exploration_path.json").write_text(artifact, encoding="utf-8")
        for name, picture in _pictures(exploration):
            Path(folder, name).write_text(picture, encoding="utf-8")
        if exploration.final_explanation:
            Path(folder, "final_explanation.txt").write_text(exploration.final_explanation, encoding="utf-8")
        repeated(lambda: destination.client.log_artifacts(run_id, folder))
    status = "FAILED" if exploration.status == "error" else "FINISHED"
    repeated(lambda: destination.client.set_terminated(run_id, status, ended_ms))


def _pictures(exploration: Exploration) -> Iterator[tuple[str, str]]:
    """The SVG and the page; one that cannot be drawn is reported, and costs the run nothing else."""
    for name, draw in _PICTURES.items():
        try:
            yield name, draw(exploration)
        except Exception as error:  # noqa: BLE001 - the figures are worth more than the picture
            failures.report("drawing a path", error)


def _metrics(exploration: Exploration) -> dict[str, float]:
    measured = measure_path(exploration)
    is_untimed = exploration.source == "caller" and exploration.latency_ms == 0
    metrics = {
        "path_length": measured.path_length,
        "exploration_depth": measured.exploration_depth,
        "min_similarity": measured.min_similarity,
        "anomalous_hops": None if measured.anomalous_hops is None else len(measured.anomalous_hops),
        "latency_ms": None if is_untimed else exploration.latency_ms,
    }
    return {key: value for key, value in metrics.items() if value is not None}


def _explanation(turn: Turn) -> str | None:
    root = turn.root
    if isinstance(root, Trace) and isinstance(root.outputs, str) and root.outputs:
        return root.outputs
    answers = [answer_text(fact) for fact in turn.facts if isinstance(fact, LLMCall)]
    return next((text for text in reversed(answers) if text), None)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
