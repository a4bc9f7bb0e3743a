"""Spans on the wire: OpenTelemetry's protobuf, as MLflow's server and its database stores take it."""

import json
from typing import TYPE_CHECKING

from pydantic import JsonValue

from examsgraph_callbacks.deliver.spans import Span
from examsgraph_callbacks.errors import InvalidInputError

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

__all__ = ["encode_span", "export_request"]

_INT64 = range(-(2**63), 2**63)
_NANOSECONDS = range(2**63)
# protobuf's parsers refuse messages that are nested 100 deep, and one level of JSON takes up to three
_DEEPEST = 25


def encode_span(span: Span) -> "ProtoSpan":
    """The span as OTLP writes it; its failure is its status and an `exception` event.

    Values that are nested too deeply for it become JSON text. Raises `InvalidInputError` for a moment
    that has no place in it.
    """
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
    from opentelemetry.proto.trace.v1.trace_pb2 import Status

    if span.start_ns not in _NANOSECONDS or span.end_ns not in _NANOSECONDS:
        raise InvalidInputError(
            f"expected a run between 1970 and 2262, got one from {span.start_ns} to {span.end_ns} ns since "
            "1970: correct the clock of the machine that recorded it",
        )
    encoded = ProtoSpan(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_id or ""),
        name=span.name,
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
        status=Status(code=Status.STATUS_CODE_OK),
    )
    for key, value in span.attributes.items():
        _write(value, encoded.attributes.add(key=key).value)
    if span.failure is not None:
        said = f"{span.failure.type}: {span.failure.message}".removesuffix(": ")
        encoded.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=said))
        event = encoded.events.add(name="exception", time_unix_nano=span.end_ns)
        event.attributes.add(key="exception.type").value.string_value = span.failure.type
        event.attributes.add(key="exception.message").value.string_value = span.failure.message
    return encoded


def export_request(spans: list["ProtoSpan"]) -> bytes:
    """The body of `POST /v1/traces`."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return bytes(request.SerializeToString())


def _write(value: JsonValue, into: "AnyValue", depth: int = 1) -> None:
    """Write a value where it belongs: a message made apart would be copied there, level by level."""
    match value:
        case str():
            into.string_value = value
        case None:
            pass
        case bool():
            into.bool_value = value
        case int() if value in _INT64:
            into.int_value = value
        case float():
            into.double_value = value
        case list() if depth < _DEEPEST:
            into.array_value.SetInParent()
            for item in value:
                _write(item, into.array_value.values.add(), depth + 1)
        case dict() if depth < _DEEPEST:
            into.kvlist_value.SetInParent()
            for key, item in value.items():
                _write(item, into.kvlist_value.values.add(key=key).value, depth + 1)
        case _:
            into.string_value = json.dumps(value, ensure_ascii=False)
