"""Writes turns to MLflow as traces, many in one request; writing a turn again changes nothing."""

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from examsgraph_callbacks.deliver.answers import REFUSALS, first_line, is_unavailable, refuses, status_of
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.faults import Faults
from examsgraph_callbacks.deliver.measured import MeasuredTurn, measure_turn
from examsgraph_callbacks.deliver.otlp import encode_span, export_request
from examsgraph_callbacks.deliver.repeating import repeated
from examsgraph_callbacks.deliver.sound import prepared
from examsgraph_callbacks.deliver.spans import INCOMPLETE, is_trace_id, turn_spans
from examsgraph_callbacks.deliver.turns import Turn
from examsgraph_callbacks.errors import ExamsGraphError, InvalidInputError
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.measure import Meter

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

__all__ = ["TRACES_A_REQUEST", "TRACE_EXPERIMENT", "TraceWriter"]

TRACE_EXPERIMENT = "ExamsGraph"
"""The MLflow experiment that holds the traces."""

TRACES_A_REQUEST = 200
BYTES_A_REQUEST = 4 * 1024 * 1024
_NO_COST = json.dumps({"input_cost": None, "output_cost": None, "total_cost": None})

Encoded: TypeAlias = "tuple[MeasuredTurn, list[ProtoSpan]]"


class _StumbleError(ExamsGraphError):
    """MLflow failed on what it was sent: by its own fault, or by that of a trace."""


class TraceWriter:
    """Measures turns and writes them into the experiment `ExamsGraph`, counting them in `written`.

    A turn that cannot be a trace, or that MLflow refuses, is counted in `refused` and its facts are set
    aside; so is a single fact that cannot be a span, and the rest of its turn is written. Raises
    `DeliveryError` where MLflow cannot be reached.
    """

    def __init__(self, destination: Destination, meter: Meter, dead_letters: DeadLetters) -> None:
        from mlflow.tracing.client import TracingClient

        self._destination = destination
        self._meter = meter
        self._dead_letters = dead_letters
        self._experiment_id = destination.experiment_id(TRACE_EXPERIMENT)
        self._client = TracingClient(destination.uri)
        self.written = 0
        self.refused = 0

    def write(
        self,
        turns: Iterable[Turn],
        *,
        add_root: bool = False,
        late_roots: Container[str] = (),
    ) -> list[MeasuredTurn]:
        """Write turns; returns those that MLflow took.

        With `add_root`, the roots that are missing are stood in for; `late_roots` are the ids of traces
        for which that was done before, and whose root may be among `turns`.
        """
        faults: Faults[Encoded] = Faults()
        written: list[MeasuredTurn] = []

        def took(measured: MeasuredTurn) -> None:
            turn = measured.turn
            self.written += 1
            written.append(measured)
            root_is_late = turn.root is not None and turn.trace_id in late_roots
            if root_is_late or _without_any_price(measured):
                self._settle(measured, root_is_late=root_is_late)

        def take(encoded: Encoded) -> None:
            self._send_at_once([encoded])
            took(encoded[0])

        try:
            for request in _requests(self._encoded(turns, add_root=add_root)):
                for measured in self._send(request, faults):
                    took(measured)
            for encoded, error in faults.settle(lambda taken: self._send_at_once([taken]), take):
                self.refused += 1
                self._dead_letters.set_aside(encoded[0].turn.facts, error)
        except (InvalidInputError, _StumbleError) as error:
            raise self._destination.unreachable(str(error)) from error
        return written

    def state(self, trace_id: str) -> Literal["absent", "incomplete", "complete"]:
        """What MLflow has of a trace: nothing, one whose root was stood in for, or one with its root."""
        from mlflow.exceptions import MlflowException

        if not is_trace_id(trace_id):
            return "absent"
        try:
            info = repeated(lambda: self._client.get_trace_info(f"tr-{trace_id}"))
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
            repeated(lambda: self._client.start_trace(info))
        except MlflowException as error:
            if not refuses(error):
                raise self._destination.unreachable(error) from error
            failures.report("correcting a trace in MLflow", error)  # which is there, and stays as it is

    def _encoded(self, turns: Iterable[Turn], *, add_root: bool) -> Iterator[Encoded]:
        encode = partial(_encode, meter=self._meter, add_root=add_root)
        for turn in turns:
            encoded = prepared(turn, encode, self._dead_letters)
            if encoded is None:
                self.refused += 1
            else:
                yield encoded

    def _send(self, request: Sequence[Encoded], faults: Faults[Encoded]) -> list[MeasuredTurn]:
        """Send all at once, or half by half where MLflow does not take them so; returns what was taken."""
        try:
            self._send_at_once(request)
        except (InvalidInputError, _StumbleError) as error:
            if len(request) > 1:
                half = len(request) // 2
                return [*self._send(request[:half], faults), *self._send(request[half:], faults)]
            faults.add(request[0], error)
            return []
        faults.taken(request[-1])
        return [measured for measured, _ in request]

    def _send_at_once(self, request: Sequence[Encoded]) -> None:
        spans = [span for _, trace in request for span in trace]
        self._post(spans) if self._destination.is_server else self._log(spans)

    def _post(self, spans: list["ProtoSpan"]) -> None:
        from mlflow.exceptions import MlflowException

        headers = {
            "Content-Type": "application/x-protobuf",
            "x-mlflow-experiment-id": self._experiment_id,
        }
        try:
            body = export_request(spans)
            status, text = repeated(
                lambda: self._destination.request("POST", "/v1/traces", None, headers, body)
            )
        except MlflowException as error:
            raise self._destination.unreachable(error) from error
        if status in REFUSALS:
            raise InvalidInputError(f"MLflow refused a trace: HTTP {status}: {text[:500]}")
        if status == 500:
            raise _StumbleError(f"MLflow failed on a trace: HTTP 500: {text.strip()[:200]}")
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
            if is_unavailable(error):
                raise self._destination.unreachable(error) from error
            raise _StumbleError(f"MLflow failed on a trace: {first_line(error)}") from error
        except Exception as error:  # MLflow's own code on a span that it did not expect
            what = f"{type(error).__name__}: {first_line(error)}"
            raise _StumbleError(f"MLflow failed on a trace: {what}") from error


def _encode(turn: Turn, *, meter: Meter, add_root: bool) -> Encoded:
    measured = measure_turn(turn, meter)
    return measured, [encode_span(span) for span in turn_spans(measured, add_root=add_root)]


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
