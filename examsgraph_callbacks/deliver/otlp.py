"""Spans on the wire: OpenTelemetry's protobuf, as MLflow's server and its database stores take it."""

from typing import TYPE_CHECKING

from pydantic import JsonValue

from examsgraph_callbacks.deliver.spans import Span

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

__all__ = ["encode_span", "export_request"]

_INT64 = range(-(2**63), 2**63)


def encode_span(span: Span) -> "ProtoSpan":
    """The span as OTLP writes it; its failure is its status and an `exception` event."""
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
    from opentelemetry.proto.trace.v1.trace_pb2 import Status

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


def _value(value: JsonValue) -> "AnyValue":
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
        case list():
            encoded.array_value.CopyFrom(ArrayValue(values=map(_value, value)))
        case dict():
            pairs = [KeyValue(key=key, value=_value(item)) for key, item in value.items()]
            encoded.kvlist_value.CopyFrom(KeyValueList(values=pairs))
        case _:
            encoded.string_value = str(value)
    return encoded
