"""Writes explorations to MLflow as runs of `GraphRAG_Path_Tracing`, each once."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from examsgraph_callbacks.deliver.contents import answer_text
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.repeating import repeated
from examsgraph_callbacks.deliver.runs import RunContent, RunWriter, is_deleted, is_half_written, reaching
from examsgraph_callbacks.deliver.turns import Turn
from examsgraph_callbacks.events import Exploration, LLMCall, Trace
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph import path_artifact
from examsgraph_callbacks.graph.pictures import draw_svg, path_page
from examsgraph_callbacks.measure import measure_path

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["PATH_EXPERIMENT", "Explained", "PathRunWriter", "explained_explorations", "path_run"]

PATH_EXPERIMENT = "GraphRAG_Path_Tracing"
"""The MLflow experiment of what graph retrievers looked at."""

_PICTURES: dict[str, Callable[[Exploration], str]] = {
    "graph_exploration_path.svg": draw_svg,
    "graph_exploration_path.html": path_page,
}


@dataclass(frozen=True, slots=True)
class Explained:
    """An exploration, and the explanation that was given after it, where it is known."""

    fact: Exploration
    explanation: str | None


class PathRunWriter:
    """Writes explorations into the experiment `GraphRAG_Path_Tracing`, a run each.

    One whose run is there already is left alone, and its run is finished if it was left half-written.
    Raises `DeliveryError` where MLflow cannot be reached.
    """

    def __init__(self, destination: Destination, dead_letters: DeadLetters) -> None:
        self.runs = RunWriter(destination, PATH_EXPERIMENT, dead_letters)
        self._destination = destination

    def write(self, explorations: Sequence[Explained]) -> int:
        """Write what is new of `explorations`; returns how many runs that were."""
        in_time = {fact.event_id for fact in self.runs.in_time(each.fact for each in explorations)}
        sound = [each for each in explorations if each.fact.event_id in in_time]
        if not sound:
            return 0
        with reaching(self._destination):
            known = self.runs.known(each.fact.started_at for each in sound)
            written = self.runs.write_each(
                [each for each in sound if _is_to_be_written(known.get(each.fact.event_id))],
                lambda each: self.runs.put(path_run(each), known),
                lambda each: [each.fact],
            )
            for each in sound:
                self._link(known.get(each.fact.event_id), each.fact)
        return len(written)

    def _link(self, run: "Run | None", fact: Exploration) -> None:
        """Name the trace of a run whose turn has arrived after it."""
        if run is None or is_deleted(run) or fact.trace_id is None or "trace_id" in run.data.tags:
            return
        client = self._destination.client
        repeated(lambda: client.set_tag(run.info.run_id, "trace_id", f"tr-{fact.trace_id}"))


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


def path_run(explained: Explained) -> RunContent:
    """The run of an exploration: its bounds as params, its verdict as metrics, its path as artifacts.

    A picture that cannot be drawn is left out; so is what is not known.
    """
    exploration = explained.fact.model_copy(update={"final_explanation": explained.explanation})
    params = exploration.retrieval_params.model_dump(exclude_none=True)
    return RunContent(
        fact=explained.fact,
        key=exploration.event_id,
        name=exploration.wrong_concept or exploration.query or PATH_EXPERIMENT,
        started_at=exploration.started_at,
        ended_at=exploration.ended_at,
        failed=exploration.status == "error",
        tags={
            "trace_id": f"tr-{exploration.trace_id}" if exploration.trace_id else None,
            "wrong_concept": exploration.wrong_concept or None,
            "question_id": exploration.question_id or None,
            "user_id": exploration.user_id or None,
        },
        params={key: str(value) for key, value in params.items()},
        metrics=_metrics(exploration),
        texts={
            "graph_exploration_path.json": json.dumps(
                path_artifact(exploration), ensure_ascii=False, indent=2
            ),
            **dict(_pictures(exploration)),
            "final_explanation.txt": exploration.final_explanation,
        },
    )


def _is_to_be_written(run: "Run | None") -> bool:
    return run is None or (is_half_written(run) and not is_deleted(run))


def _pictures(exploration: Exploration) -> Iterator[tuple[str, str]]:
    """The SVG and the page; one that cannot be drawn is reported, and costs the run nothing else."""
    for name, draw in _PICTURES.items():
        try:
            yield name, draw(exploration)
        except Exception as error:  # noqa: BLE001 - the figures are worth more than the picture
            failures.report("drawing a path", error)


def _metrics(exploration: Exploration) -> dict[str, float | None]:
    measured = measure_path(exploration)
    is_untimed = exploration.source == "caller" and exploration.latency_ms == 0
    return {
        "path_length": measured.path_length,
        "exploration_depth": measured.exploration_depth,
        "min_similarity": measured.min_similarity,
        "anomalous_hops": None if measured.anomalous_hops is None else len(measured.anomalous_hops),
        "latency_ms": None if is_untimed else exploration.latency_ms,
    }


def _explanation(turn: Turn) -> str | None:
    root = turn.root
    if isinstance(root, Trace) and isinstance(root.outputs, str) and root.outputs:
        return root.outputs
    answers = [answer_text(fact) for fact in turn.facts if isinstance(fact, LLMCall)]
    return next((text for text in reversed(answers) if text), None)
