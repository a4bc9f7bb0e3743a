"""What MLflow holds, read back through its own client."""

from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities import Run, Span, Trace

from examsgraph_callbacks.deliver.destination import open_destination
from tests.deliver.factories import hex_id

__all__ = [
    "artifacts_of",
    "assessments_of",
    "calls_of",
    "cost_of",
    "experiment_id",
    "found",
    "run_of",
    "runs_in",
    "runs_of",
    "tokens_of",
    "trace_of",
    "traces_in",
]


def trace_of(tracking_uri: str, turn: str) -> Trace:
    """The trace of the turn of that name."""
    trace: Trace = MlflowClient(tracking_uri=tracking_uri).get_trace(f"tr-{hex_id(turn)}")
    return trace


def calls_of(trace: Trace) -> dict[str, Span]:
    """The call spans by the model that served them."""
    spans = [span for span in trace.data.spans if span.span_type == "CHAT_MODEL"]
    return {span.attributes["mlflow.llm.model"]: span for span in spans}


def tokens_of(trace: Trace) -> dict[str, int]:
    """What MLflow made of all calls' tokens."""
    return trace.info.token_usage or {}


def cost_of(trace: Trace) -> float | None:
    """What MLflow made of all calls' costs (USD)."""
    return (trace.info.cost or {}).get("total_cost")


def assessments_of(trace: Trace) -> dict[str, object]:
    """What people said of a trace; of each name there is one."""
    said = [(each.name, each.feedback.value) for each in trace.info.assessments if each.feedback is not None]
    assert len({name for name, _ in said}) == len(trace.info.assessments)
    return dict(said)


def found(tracking_uri: str, experiment: str, filter_string: str = "") -> list[Run]:
    """The runs of an experiment that MLflow's search finds."""
    client = MlflowClient(tracking_uri=tracking_uri)
    return list(client.search_runs([experiment_id(tracking_uri, experiment)], filter_string))


def run_of(tracking_uri: str, experiment: str, key: str) -> Run:
    """The one run of a fact, by its event id."""
    (run,) = found(tracking_uri, experiment, f"tags.`examsgraph.event_id` = '{key}'")
    return run


def artifacts_of(tracking_uri: str, run: Run) -> dict[str, str]:
    """The texts of a run's artifacts, by their names."""
    client = MlflowClient(tracking_uri=tracking_uri)
    with TemporaryDirectory() as folder:
        return {
            file.path: Path(client.download_artifacts(run.info.run_id, file.path, folder)).read_text("utf-8")
            for file in client.list_artifacts(run.info.run_id)
        }


def traces_in(tracking_uri: str) -> list[str]:
    """The trace ids of the experiment `ExamsGraph`, sorted."""
    client = MlflowClient(tracking_uri=tracking_uri)
    found = client.search_traces(locations=[experiment_id(tracking_uri, "ExamsGraph")], max_results=500)
    return sorted(trace.info.trace_id.removeprefix("tr-") for trace in found)


def runs_in(tracking_uri: str, filter_string: str = "") -> list[Run]:
    """The runs of the experiment `GraphRAG_Path_Tracing`."""
    client = MlflowClient(tracking_uri=tracking_uri)
    return list(client.search_runs([experiment_id(tracking_uri, "GraphRAG_Path_Tracing")], filter_string))


def runs_of(tracking_uri: str, turn: str) -> list[Run]:
    """The runs of the explorations of the turn of that name."""
    return runs_in(tracking_uri, f"tags.trace_id = 'tr-{hex_id(turn)}'")


def experiment_id(tracking_uri: str, name: str) -> str:
    """The experiment's id; it is made, as a delivery makes it, where there is none."""
    with open_destination(tracking_uri) as destination:
        return destination.experiment_id(name)
