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
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
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
        attributes=[KeyValue(key=key, value=_value(value)) for key, value in span.attributes.items()],
        status=Status(code=Status.STATUS_CODE_OK),
    )
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


def _value(value: JsonValue, depth: int = 1) -> "AnyValue":
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

    encoded = AnyValue()
    match value:
        case None:
            pass
        case bool():
            encoded.bool_value = value
        case int() if value in _INT64:
            encoded.int_value = value
        case float():
            encoded.double_value = value
        case list() if depth < _DEEPEST:
            items = [_value(item, depth + 1) for item in value]
            encoded.array_value.CopyFrom(ArrayValue(values=items))
        case dict() if depth < _DEEPEST:
            pairs = [KeyValue(key=key, value=_value(item, depth + 1)) for key, item in value.items()]
            encoded.kvlist_value.CopyFrom(KeyValueList(values=pairs))
        case list() | dict():
            encoded.string_value = json.dumps(value, ensure_ascii=False)
        case _:
            encoded.string_value = str(value)
    return encoded
