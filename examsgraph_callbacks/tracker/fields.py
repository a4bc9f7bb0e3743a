"""The kinds of values that a report is made of, each bounded; what a field allows, its description says."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

__all__ = [
    "HOPS_LIMIT",
    "LABEL",
    "MILLISECONDS",
    "SCORE",
    "TEXT",
    "TEXT_LIMIT",
    "TOKENS",
    "TRACE",
    "USD",
    "VARIANTS_LIMIT",
    "Cost",
    "Count",
    "Label",
    "Milliseconds",
    "Score",
    "Text",
    "Tokens",
    "TraceId",
]

LABEL_LIMIT = 256
TEXT_LIMIT = 100_000
TOKENS_LIMIT = 1_000_000_000
MILLISECONDS_LIMIT = 604_800_000  # a week
USD_LIMIT = 1_000_000
HOPS_LIMIT = 1000
VARIANTS_LIMIT = 100

# what these allow, for descriptions, which errors repeat
LABEL = f"text of 1 to {LABEL_LIMIT} characters"
TEXT = f"text of at most {TEXT_LIMIT:,} characters"
TOKENS = f"a whole number from 0 to {TOKENS_LIMIT:,}"
MILLISECONDS = f"a number of milliseconds from 0 to {MILLISECONDS_LIMIT:,}"
USD = f"a number of USD from 0 to {USD_LIMIT:,}"
SCORE = "a number from -1 to 1"
TRACE = "a UUID or 32 hexadecimal digits that do not end in 16 zeros"


def _whole_text(value: object) -> object:
    # half an emoji, cut by the host, has no UTF-8: replaced, never refused
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()
    return value


def _plain_number(value: object) -> object:
    """NumPy's numbers as Python's, and everything else as it is."""
    if isinstance(value, (int, float, str, Decimal)) or value is None:
        return value
    item: Callable[[], object] | None = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", None) == 0 else value


def _exact(value: object) -> Decimal:
    value = _plain_number(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise ValueError("not a number")  # noqa: TRY004 - pydantic takes a ValueError for the field's problem
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _hexadecimal(value: object) -> str:
    if isinstance(value, (str, UUID)) and len(text := str(value)) <= 45 and text.isascii():
        trace_id = UUID(text).hex
        if trace_id[16:].strip("0"):
            return trace_id
    raise ValueError("not an id of a trace")


def _limited(limit: int, at_least: int) -> Any:
    return StringConstraints(strict=True, min_length=at_least, max_length=limit)


Label = Annotated[str, _limited(LABEL_LIMIT, 1), BeforeValidator(_whole_text)]
"""An id, a name or a label."""

Text = Annotated[str, _limited(TEXT_LIMIT, 0), BeforeValidator(_whole_text)]
"""What somebody said."""

Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000), BeforeValidator(_plain_number)]

Tokens = Annotated[int, Field(strict=True, ge=0, le=TOKENS_LIMIT), BeforeValidator(_plain_number)]

Milliseconds = Annotated[
    float,
    Field(strict=True, ge=0, le=MILLISECONDS_LIMIT, allow_inf_nan=False),
    BeforeValidator(_plain_number),
]

Score = Annotated[float, Field(strict=True, ge=-1, le=1, allow_inf_nan=False), BeforeValidator(_plain_number)]
"""A similarity: from 0 on Neo4j's scale, from -1 as a cosine."""

Cost = Annotated[
    Decimal,
    Field(ge=0, le=USD_LIMIT, allow_inf_nan=False),
    BeforeValidator(_exact),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": USD_LIMIT}),
]
"""USD, exactly as they were written."""

TraceId = Annotated[
    str,
    BeforeValidator(_hexadecimal),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-fA-F]{15}[1-9a-fA-F][0-9a-fA-F]{15}[1-9a-fA-F]$"}),
]
