"""A fact as one line of JSON: UTF-8, Korean unescaped, fields that are None left out."""

from collections.abc import Iterable, Mapping
from typing import cast

import orjson
from pydantic import BaseModel, JsonValue
from pydantic_core import to_json, to_jsonable_python

from examsgraph_callbacks.events import Fact

__all__ = ["encode_fact", "encode_fields"]

_DEEPEST = 100
"""How deep a value may lie where it is put together here; the reader takes 200 levels."""


def encode_fact(fact: Fact) -> bytes:
    """The fact's line, with its line feed."""
    return _encode_anything({name: value for name, value in fact if value is not None})


def encode_fields(fields: Mapping[str, object]) -> bytes:
    """The line of a fact that is known by its fields, none of which is None."""
    try:
        # a tenth of the time of pydantic's encoder, which takes what this one refuses
        return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return _encode_anything(fields)


def _encode_anything(fields: Mapping[str, object]) -> bytes:
    try:
        return to_json(fields, exclude_none=True, inf_nan_mode="null", fallback=_type_name) + b"\n"
    except ValueError:
        # a lone surrogate (half of an emoji cut by the host) has no UTF-8: replaced, never lost; nor is a
        # fact lost for bytes that are no text, or a value within itself
        return _encode_replacing(fields)


def _encode_replacing(fields: Mapping[str, object]) -> bytes:
    import json

    content = _replaced(fields, ())
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _replaced(value: object, above: tuple[int, ...]) -> JsonValue:
    """The value as JSON, whatever it is; `above` are the ids of those that it stands in."""
    if isinstance(value, (str, bytes, bytearray)):
        return _text(value)
    if isinstance(value, (BaseModel, Mapping, list, tuple, set, frozenset)):
        if id(value) in above or len(above) > _DEEPEST:
            return _type_name(value)
        return _all_replaced(value, (*above, id(value)))
    try:
        return cast("JsonValue", to_jsonable_python(value, inf_nan_mode="null", fallback=_type_name))
    except ValueError:
        return _type_name(value)


def _all_replaced(value: object, above: tuple[int, ...]) -> JsonValue:
    if isinstance(value, BaseModel):
        return {name: _replaced(item, above) for name, item in value if item is not None}
    if isinstance(value, Mapping):
        return {
            _text(key if isinstance(key, str) else str(key)): _replaced(item, above)
            for key, item in value.items()
        }
    return [_replaced(item, above) for item in cast("Iterable[object]", value)]


def _text(value: str | bytes | bytearray) -> str:
    whole = value if isinstance(value, (bytes, bytearray)) else value.encode("utf-8", "replace")
    return whole.decode("utf-8", "replace")


def _type_name(value: object) -> str:
    # what is no JSON after all costs its own place and not the fact
    return f"<{type(value).__name__}>"
