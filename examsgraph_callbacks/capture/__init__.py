"""Framework-free capture: open runs become facts, with the context they ran in."""

from examsgraph_callbacks.capture.clock import Clock
from examsgraph_callbacks.capture.content import joined_texts, plain
from examsgraph_callbacks.capture.context import ambient_context, context_in_metadata, tutoring
from examsgraph_callbacks.capture.documents import recorded_document
from examsgraph_callbacks.capture.exploration import ExplorationRecord, publish_exploration
from examsgraph_callbacks.capture.guard import guarded
from examsgraph_callbacks.capture.open_runs import OpenRun, find_open_run
from examsgraph_callbacks.capture.privacy import Privacy
from examsgraph_callbacks.capture.pseudonym import pseudonym
from examsgraph_callbacks.capture.recorder import Recorder
from examsgraph_callbacks.capture.redaction import REDACTION_VERSION, Redact, redact_text
from examsgraph_callbacks.capture.request import PARAMETERS, recorded_request
from examsgraph_callbacks.capture.surroundings import know_surroundings, surrounding_run
from examsgraph_callbacks.capture.usage import (
    SPLIT_OPEN,
    Usage,
    usage_from_langchain,
    usage_from_openai,
    usage_from_response,
)
from examsgraph_callbacks.capture.vectors import embedded_texts, packed_vectors, unpacked_vector

__all__ = [
    "PARAMETERS",
    "REDACTION_VERSION",
    "SPLIT_OPEN",
    "Clock",
    "ExplorationRecord",
    "OpenRun",
    "Privacy",
    "Recorder",
    "Redact",
    "Usage",
    "ambient_context",
    "context_in_metadata",
    "embedded_texts",
    "find_open_run",
    "guarded",
    "joined_texts",
    "know_surroundings",
    "packed_vectors",
    "plain",
    "pseudonym",
    "publish_exploration",
    "recorded_document",
    "recorded_request",
    "redact_text",
    "surrounding_run",
    "tutoring",
    "unpacked_vector",
    "usage_from_langchain",
    "usage_from_openai",
    "usage_from_response",
]
