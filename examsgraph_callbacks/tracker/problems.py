"""What is wrong with a report: the field, what came, and what is allowed, in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import UnionType
from typing import Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

__all__ = ["Problem", "conflict", "first_problem"]

_SHOWN = 100  # characters of what came
_CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Problem:
    """One field that cannot be recorded; `field` is None where it is the whole that cannot be read.

    `came` is what came as Python writes it, cut, and None where nothing did.
    """

    field: str | None
    came: str | None
    allowed: str

    def __str__(self) -> str:
        field = "the report" if self.field is None else self.field
        return f"expected {field} to be {self.allowed}, got {self.came or 'nothing'}"


def conflict(field: str, came: tuple[object, ...], allowed: str) -> PydanticCustomError:
    """What a validator of more than one field raises; `came` is what came under their names."""
    return PydanticCustomError(_CONFLICT, "{allowed}", {"field": field, "came": came, "allowed": allowed})


def first_problem(error: ValidationError, report: type[BaseModel]) -> Problem:
    """The first of the problems that pydantic found with what should have been a `report`."""
    detail = error.errors(include_url=False)[0]
    if detail["type"] == _CONFLICT:
        context = detail["ctx"]
        values = " and ".join(map(_shown, context["came"]))
        return Problem(context["field"], values or None, context["allowed"])
    if detail["type"] == "json_invalid":
        return Problem(None, f"what is none: {detail['ctx']['error']}", "a JSON object")
    if not detail["loc"]:
        return Problem(None, _kind(detail["input"]), "a JSON object")
    field = ".".join(map(str, detail["loc"]))
    if detail["type"] == "extra_forbidden":
        known = ", ".join(_model_at(report, detail["loc"][:-1]).model_fields)
        return Problem(_cut(field), _shown(detail["input"]), f"left out (known are {known})")
    came = None if detail["type"] == "missing" else _shown(detail["input"])
    return Problem(_cut(field), came, _allowed(report, detail))


def _allowed(report: type[BaseModel], detail: ErrorDetails) -> str:
    """What the field says is allowed: its description, which is that of the innermost field concerned."""
    loc = detail["loc"]
    for end in range(len(loc), 0, -1):
        field = loc[end - 1]
        model = _model_at(report, loc[: end - 1])
        if isinstance(field, str) and field in model.model_fields:
            described = model.model_fields[field].description
            if described:
                return described if end == len(loc) else f"as in {field}: {described}"
    return detail["msg"]


def _model_at(model: type[BaseModel], loc: Sequence[int | str]) -> type[BaseModel]:
    """The innermost model on the way to a field."""
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            inner = _model_in(model.model_fields[part].annotation)
            if inner is not None:
                model = inner
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Union, UnionType, tuple, list}:
        return next(filter(None, map(_model_in, get_args(annotation))), None)
    return None


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return f"{_kind(value)} of {len(value)}"
    if isinstance(value, (str, bytes)):
        return _cut(repr(value[: _SHOWN + 1]))
    if isinstance(value, (int, float)) or value is None:
        return repr(value)
    if isinstance(value, (Decimal, UUID)):
        return _cut(str(value))
    # repr of an unknown object can be slow, huge or private: its type is enough
    return f"<{_kind(value)}>"


def _kind(value: object) -> str:
    return type(value).__name__


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
