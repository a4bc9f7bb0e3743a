"""The shape of the answers: data, when it was worked out, and numbers as numbers."""

import json
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from math import isfinite
from typing import Generic, TypeVar

from fastapi.responses import Response
from pydantic import BaseModel, JsonValue

from examsgraph_callbacks.analytics.answers import Answer, AverageCost, FailedConceptCount, TopFailedConcepts

__all__ = ["Answered", "FailedConcepts", "Health", "Recorded", "answer", "recorded"]

DataT = TypeVar("DataT")

_FIRST_OF_AVERAGE_COST = ("average_cost_usd", "average_cost_krw", "user_id")


class Answered(BaseModel, Generic[DataT]):
    """An answer, and when it was worked out (the configured zone, with its offset)."""

    data: DataT
    generated_at: datetime


class FailedConcepts(BaseModel):
    """The concepts that failed most; `unattributed` counts the failures whose concept nothing tells."""

    data: list[FailedConceptCount]
    unattributed: int
    generated_at: datetime


class Recorded(BaseModel):
    """The fact that a request became."""

    event_id: str


class Health(BaseModel):
    """`ok` while facts can be written."""

    status: str
    version: str


def recorded(event_id: str, zone: tzinfo) -> Response:
    """The answer to a report whose fact is on disk."""
    content = f'{{"data":{{"event_id":"{event_id}"}},"generated_at":"{_now(zone)}"}}'
    return Response(content.encode(), media_type="application/json")


def answer(given: Answer | BaseModel, zone: tzinfo, status: int = 200) -> Response:
    """The answer to a question."""
    beside: dict[str, JsonValue] = {}
    if isinstance(given, TopFailedConcepts):
        data: JsonValue = [_plain(concept.model_dump()) for concept in given.concepts]
        beside = {"unattributed": given.unattributed}
    else:
        fields = given.model_dump()
        if isinstance(given, AverageCost):
            fields = {**{name: fields[name] for name in _FIRST_OF_AVERAGE_COST}, **fields}
        data = _plain(fields)
    content = {"data": data, **beside, "generated_at": _now(zone)}
    return Response(
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"),
        status,
        media_type="application/json",
    )


def _now(zone: tzinfo) -> str:
    return datetime.now(zone).isoformat(timespec="seconds")


def _plain(value: object) -> JsonValue:
    """As JSON has it: exact decimals as numbers, which lose what a float cannot hold.

    What is not finite is null: an interval without an end has none, and a sum beyond all floats is not known.
    """
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"expected what JSON has, got {type(value).__name__}")
