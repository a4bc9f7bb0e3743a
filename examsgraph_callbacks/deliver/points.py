"""Logs and reads many points of a run, past what MLflow's own client makes of each on the way."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from examsgraph_callbacks.deliver.destination import Destination

__all__ = ["MOST_POINTS", "Point", "log_points", "read_points"]

MOST_POINTS = 1000
"""So many MLflow takes at once."""

_LOG = "/api/2.0/mlflow/runs/log-batch"
_HISTORY = "/api/2.0/mlflow/metrics/get-history"
_PAGE = 25_000  # points an answer, as many as MLflow gives


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric; `timestamp` in milliseconds since 1970 (UTC)."""

    key: str
    value: float
    timestamp: int
    step: int


def log_points(destination: Destination, run_id: str, points: Sequence[Point]) -> None:
    """Log up to `MOST_POINTS` points, all or none; doing it again changes nothing.

    Raises `MlflowException` where MLflow does not take them, `DeliveryError` where it asks to be left alone.
    """
    if not destination.is_server:
        _log_to_a_database(destination, run_id, points)
        return
    metrics = [
        {"key": point.key, "value": point.value, "timestamp": point.timestamp, "step": point.step}
        for point in points
    ]
    # the client takes longer to write this down than the server takes to read it
    body = json.dumps({"run_id": run_id, "metrics": metrics}).encode()
    _answer(destination, "POST", _LOG, body)


def read_points(destination: Destination, run_id: str, key: str) -> Iterator[tuple[int, float]]:
    """The steps and values of all points of a metric.

    Raises `MlflowException` where MLflow does not give them, `DeliveryError` where it asks to be left alone.
    """
    if not destination.is_server:
        for point in destination.client.get_metric_history(run_id, key):
            yield point.step, point.value
        return
    token: str | None = ""
    while token is not None:
        asked = {"run_id": run_id, "metric_key": key, "max_results": _PAGE, "page_token": token}
        answer = _answer(destination, "GET", f"{_HISTORY}?{urlencode(asked)}")
        for point in answer.get("metrics", ()):
            yield int(point.get("step", 0)), float(point.get("value", 0))
        token = answer.get("next_page_token") or None


def _log_to_a_database(destination: Destination, run_id: str, points: Sequence[Point]) -> None:
    from mlflow.entities import Metric

    metrics = [Metric(point.key, point.value, point.timestamp, point.step) for point in points]
    destination.client.log_batch(run_id, metrics=metrics)


def _answer(destination: Destination, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
    """What the server answers; raises what MLflow's own client would."""
    from mlflow.exceptions import MlflowException, get_error_code

    headers = {"Content-Type": "application/json"}
    status, text = destination.request(method, path, headers=headers, body=body)
    if status != 200:
        said = f"{path} answered HTTP {status}: {text.strip()[:500]}"
        raise MlflowException(said, error_code=get_error_code(status))  # type: ignore[no-untyped-call]
    answer: dict[str, Any] = json.loads(text)
    return answer
