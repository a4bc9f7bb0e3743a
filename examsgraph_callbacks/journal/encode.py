"""A fact as one line of JSON: UTF-8, Korean unescaped, fields that are None left out."""

from pydantic_core import PydanticSerializationError, to_jsonable_python

from examsgraph_callbacks.events import Fact

__all__ = ["encode_fact"]


def encode_fact(fact: Fact) -> bytes:
    """The fact's line, with its line feed."""
    try:
        return fact.__pydantic_serializer__.to_json(fact, exclude_none=True) + b"\n"
    except PydanticSerializationError:
        # a lone surrogate (half of an emoji cut by the host) has no UTF-8: replaced, never lost
        return _encode_replacing(fact)


def _encode_replacing(fact: Fact) -> bytes:
    import json

    content = to_jsonable_python(fact.model_dump(exclude_none=True), inf_nan_mode="null")
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"
