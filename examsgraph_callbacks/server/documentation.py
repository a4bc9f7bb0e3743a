"""What OpenAPI says of the routes: schemas of bodies and answers, and the document's examples."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from examsgraph_callbacks.analytics.answers import (
    AverageCost,
    CostByHour,
    Margin,
    PathQuality,
    Routing,
    UnderstandingByConcept,
)
from examsgraph_callbacks.server.answers import Answered, FailedConcepts, Health, Recorded
from examsgraph_callbacks.server.examples import BODIES, RESULTS
from examsgraph_callbacks.server.refusals import ErrorAnswer
from examsgraph_callbacks.tracker import (
    AnyReport,
    CostReport,
    ExplorationReport,
    FeedbackReport,
    PromptReport,
)

__all__ = [
    "ANSWERS",
    "PAGE",
    "REPORTS",
    "TEXT",
    "answered",
    "refusals",
    "report_body",
    "report_schema",
    "unchanged",
]

REPORTS: dict[str, type[AnyReport]] = {
    "trace-graph-exploration": ExplorationReport,
    "compare-prompts": PromptReport,
    "log-user-feedback": FeedbackReport,
    "log-llm-cost": CostReport,
}
"""The reports by the last part of their paths."""

_JSON = "application/json"
_REFUSALS = {
    400: "The body is no JSON.",
    401: "No token that this server knows.",
    403: "A token without the scope that this needs.",
    404: "Nothing of that name.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not said to be JSON.",
    422: "A value that is not allowed.",
    429: "Too many requests.",
    503: "Not now: the disk takes nothing, or too much is asked at once.",
}

Responses = dict[int | str, dict[str, Any]]


class _Numbers(GenerateJsonSchema):
    """Decimals are numbers in the answers, not texts."""

    def decimal_schema(self, _schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        return {"type": "number"}


def refusals(*statuses: int) -> Responses:
    """The answers of these statuses."""
    schema = _schema(ErrorAnswer)
    return {
        status: {"description": _REFUSALS[status], "content": {_JSON: {"schema": schema}}}
        for status in statuses
    }


def report_body(path: str, kind: type[BaseModel]) -> dict[str, Any]:
    """What the body of a report holds."""
    return report_schema(kind, BODIES[path])


def report_schema(kind: type[BaseModel], bodies: Mapping[str, object]) -> dict[str, Any]:
    """What such a body holds, with these examples."""
    examples = {name: {"value": value} for name, value in bodies.items()}
    schema = _inlined(kind.model_json_schema())
    return {"requestBody": {"required": True, "content": {_JSON: {"schema": schema, "examples": examples}}}}


def answered(description: str, kind: Any) -> Responses:
    """The answer where all went well, with data of this kind."""
    return _answered(description, Answered[kind])


def unchanged() -> Responses:
    """The answer to whoever has it already, as `If-None-Match` says."""
    return {304: {"description": "As it was when its ETag was told."}}


def _answered(description: str, kind: Any, example: object = None) -> Responses:
    content: dict[str, Any] = {"schema": _schema(kind)}
    if example is not None:
        content["example"] = example
    return {200: {"description": description, "content": {_JSON: content}}}


def _schema(kind: Any) -> dict[str, Any]:
    return _inlined(TypeAdapter(kind).json_schema(mode="serialization", schema_generator=_Numbers))


def _inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with what it refers to in its place: its own definitions are out of reach in OpenAPI."""
    definitions = schema.get("$defs", {})

    def inlined(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                named = definitions[part["$ref"].rpartition("/")[2]]
                return {**inlined(named), **{key: part[key] for key in part if key != "$ref"}}
            return {key: inlined(value) for key, value in part.items() if key != "$defs"}
        return [inlined(item) for item in part] if isinstance(part, list) else part

    found: dict[str, Any] = inlined(schema)
    return found


ANSWERS: dict[str, Responses] = {
    "report": _answered("The fact is on disk.", Answered[Recorded], RESULTS["report"]),
    "top-failed-concepts": _answered(
        "By falling count, ties by name.", FailedConcepts, RESULTS["top-failed-concepts"]
    ),
    "average-cost": _answered("In USD and won a month.", Answered[AverageCost], RESULTS["average-cost"]),
    "margin": _answered("In won a month.", Answered[Margin]),
    "cost-by-hour": _answered("In order of time.", Answered[CostByHour]),
    "routing": _answered("Every route.", Answered[Routing]),
    "understanding-by-concept": _answered("By rising understanding.", Answered[UnderstandingByConcept]),
    "path-quality": _answered("Over all explorations.", Answered[PathQuality]),
    "health": {
        **_answered("Facts can be written.", Answered[Health]),
        503: {"description": "They cannot.", "content": {_JSON: {"schema": _schema(Answered[Health])}}},
    },
}
"""What is answered where all went well, by the last part of the path."""

TEXT: Responses = {
    200: {
        "description": "Prometheus' text format.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
"""Of the figures for Prometheus."""

PAGE: Responses = {
    200: {"description": "A page of one file.", "content": {"text/html": {"schema": {"type": "string"}}}}
}
"""Of what is to be looked at."""
