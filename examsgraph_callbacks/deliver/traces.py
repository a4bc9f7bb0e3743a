"""Writes turns to MLflow as traces, many in one request; writing a turn again changes nothing."""

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from examsgraph_callbacks.deliver.destination import REFUSALS, Destination, first_line, refuses, status_of
from examsgraph_callbacks.deliver.measured import MeasuredTurn
from examsgraph_callbacks.deliver.otlp import encode_span, export_request
from examsgraph_callbacks.deliver.spans import INCOMPLETE, turn_spans
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.failures import failures

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

__all__ = ["TRACES_A_REQUEST", "TRACE_EXPERIMENT", "TraceWriter"]

TRACE_EXPERIMENT = "ExamsGraph"
"""The MLflow experiment that holds the traces."""

TRACES_A_REQUEST = 200
BYTES_A_REQUEST = 4 * 1024 * 1024
_TIMEOUT_SECONDS = 120
_NO_COST = json.dumps({"input_cost": None, "output_cost": None, "total_cost": None})

Encoded: TypeAlias = "tuple[MeasuredTurn, list[ProtoSpan]]"


class TraceWriter:
    """Writes turns into the experiment `ExamsGraph`, counting them in `written`.

    What MLflow refuses is reported (see `failures`), counted in `refused` and left out. Raises
    `DeliveryError` where MLflow cannot be reached.
    """

    def __init__(self, destination: Destination) -> None:
        from mlflow.tracing.client import TracingClient

        self._destination = destination
        self._experiment_id = destination.experiment_id(TRACE_EXPERIMENT)
        self._client = TracingClient(destination.uri)
        self.written = 0
        self.refused = 0

    def write(
        self,
        turns: Iterable[MeasuredTurn],
        *,
        add_root: bool = False,
        late_roots: Container[str] = (),
    ) -> None:
        """Write turns.

        With `add_root`, the roots that are missing are stood in for; `late_roots` are the ids of traces
        for which that was done before, and whose root may be among `turns`.
        """
        for request in _requests(self._encoded(turns, add_root=add_root)):
            sent = self._send(request)
            if len(request) > 1 and not sent:
                raise self._destination.unreachable("a refusal of every trace (the log has the reason)")
            self.written += len(sent)
            for measured in sent:
                root_is_late = measured.turn.root is not None and measured.turn.trace_id in late_roots
                if root_is_late or _without_any_price(measured):
                    self._settle(measured, root_is_late=root_is_late)

    def state(self, trace_id: str) -> Literal["absent", "incomplete", "complete"]:
        """What MLflow has of a trace: nothing, one whose root was stood in for, or one with its root."""
        from mlflow.exceptions import MlflowException

        try:
            info = self._client.get_trace_info(f"tr-{trace_id}")
        except MlflowException as error:
            if status_of(error) == 404:
                return "absent"
            raise self._destination.unreachable(error) from error
        return "incomplete" if info.tags.get(INCOMPLETE) == "true" else "complete"

    def _settle(self, measured: MeasuredTurn, *, root_is_late: bool) -> None:
        """Correct what MLflow made of a trace by itself.

        It keeps the state that a trace had first, also when its missing root comes at last; and to a
        trace whose calls have no price it gives a cost of 0.
        """
        from mlflow.entities import TraceInfo, TraceLocation, TraceState
        from mlflow.exceptions import MlflowException

        turn = measured.turn
        failed = turn.root is None or turn.root.status == "error"
        info = TraceInfo(
            trace_id=f"tr-{turn.trace_id}",
            trace_location=TraceLocation.from_experiment_id(self._experiment_id),
            request_time=round(turn.started_at.timestamp() * 1000),
            execution_duration=round((turn.ended_at - turn.started_at) / timedelta(milliseconds=1)),
            state=TraceState.ERROR if failed else TraceState.OK,
            trace_metadata={} if root_is_late else {"mlflow.trace.cost": _NO_COST},
            tags={INCOMPLETE: "false"} if root_is_late else {},
        )
        try:
            self._client.start_trace(info)
        except MlflowException as error:
            raise self._destination.unreachable(error) from error

    def _encoded(self, turns: Iterable[MeasuredTurn], *, add_root: bool) -> Iterator[Encoded]:
        for measured in turns:
            try:
                spans = turn_spans(measured, add_root=add_root)
            except InvalidInputError as error:
                self._refuse(error)
            else:
                yield measured, [encode_span(span) for span in spans]

    def _send(self, request: Sequence[Encoded]) -> list[MeasuredTurn]:
        """Send all at once; where that is refused, in halves, until what is at fault is found.

        Returns what was taken.
        """
        spans = [span for _, trace in request for span in trace]
        try:
            self._post(spans) if self._destination.is_server else self._log(spans)
        except InvalidInputError as error:
            if len(request) == 1:
                self._refuse(error)
                return []
            middle = len(request) // 2
            return [*self._send(request[:middle]), *self._send(request[middle:])]
        return [measured for measured, _ in request]

    def _post(self, spans: list["ProtoSpan"]) -> None:
        from mlflow.exceptions import MlflowException

        headers = {
            "Content-Type": "application/x-protobuf",
            "x-mlflow-experiment-id": self._experiment_id,
        }
        try:
            status, text = self._destination.request(
                "POST",
                "/v1/traces",
                _TIMEOUT_SECONDS,
                headers,
                export_request(spans),
            )
        except MlflowException as error:
            raise self._destination.unreachable(error) from error
        if status in REFUSALS:
            raise InvalidInputError(f"MLflow refused a trace: HTTP {status}: {text[:500]}")
        if status != 200:
            raise self._destination.unreachable(f"HTTP {status}: {text.strip()[:200]}")

    def _log(self, spans: list["ProtoSpan"]) -> None:
        from mlflow.entities import Span as MlflowSpan
        from mlflow.exceptions import MlflowException

        try:
            self._client.log_spans(self._experiment_id, [MlflowSpan.from_otel_proto(span) for span in spans])
        except MlflowException as error:
            if refuses(error):
                raise InvalidInputError(f"MLflow refused a trace: {first_line(error)}") from error
            raise self._destination.unreachable(error) from error

    def _refuse(self, error: InvalidInputError) -> None:
        self.refused += 1
        failures.report("writing a trace to MLflow", error)


def _without_any_price(measured: MeasuredTurn) -> bool:
    """Whether the turn has calls with tokens and not one of them a price."""
    return not measured.costs and any(call.total_tokens is not None for call in measured.calls.values())


def _requests(traces: Iterable[Encoded]) -> Iterator[list[Encoded]]:
    request: list[Encoded] = []
    size = 0
    for measured, spans in traces:
        bytes_more = sum(span.ByteSize() for span in spans)
        if request and (len(request) == TRACES_A_REQUEST or size + bytes_more > BYTES_A_REQUEST):
            yield request
            request, size = [], 0
        request.append((measured, spans))
        size += bytes_more
    if request:
        yield request
