"""Calls as columns: what is read of them where they are measured in bulk, and what is made of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter

import pyarrow as pa
import pyarrow.compute as pc

from examsgraph_callbacks.events import EmbeddingCall, LLMCall
from examsgraph_callbacks.measure.exact import COST, exactly

__all__ = ["CALL_COLUMNS", "FIGURE_COLUMNS", "columns_of_calls", "columns_of_fields"]

CALL_COLUMNS = pa.schema(
    [
        ("kind", pa.string()),
        ("started_at", pa.timestamp("us")),
        ("status", pa.string()),
        ("task_type", pa.string()),
        ("provider", pa.string()),
        ("requested_model", pa.string()),
        ("served_model", pa.string()),
        ("service_tier", pa.string()),
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("cached_tokens", pa.int64()),
        ("cache_write_tokens", pa.int64()),
        ("cache_write_1h_tokens", pa.int64()),
        ("cache_write_split_open", pa.bool_()),
        ("reasoning_tokens", pa.int64()),
        ("audio_input_tokens", pa.int64()),
        ("audio_output_tokens", pa.int64()),
        ("stated_cost_usd", COST),
    ],
)
"""What is read of calls, under the facts' own names; `started_at` is UTC, without saying so."""

FIGURE_COLUMNS = pa.schema(
    [
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("total_tokens", pa.int64()),
        ("estimated", pa.bool_()),
        ("cost_usd", COST),
        ("unpriced_reason", pa.string()),
        ("price_version", pa.string()),
        ("listed_usd", COST),
        ("misrouted", pa.bool_()),
        ("allowed_cost_usd", COST),
    ],
)
"""What is made of them: the names of `MeasuredCall`. `allowed_cost_usd` is what the same tokens of a
misrouted call cost, at the same provider and on the same day, at the first model that its task may use."""


_MOMENT = pa.timestamp("us", "UTC")
_COUNTS = tuple(name for name in CALL_COLUMNS.names if name.endswith("_tokens"))


def columns_of_calls(calls: Sequence[LLMCall | EmbeddingCall]) -> pa.Table:
    """Facts as the columns that `measure_columns` reads."""
    rows = [_of_llm(call) if isinstance(call, LLMCall) else _of_embedding(call) for call in calls]
    given = zip(*rows, strict=True) if rows else ((),) * len(CALL_COLUMNS)
    columns = dict(zip(CALL_COLUMNS.names, map(list, given), strict=True))
    columns["started_at"] = [_naive(moment) for moment in columns["started_at"]]
    columns["stated_cost_usd"] = [
        None if cost_usd is None else exactly(cost_usd) for cost_usd in columns["stated_cost_usd"]
    ]
    return pa.table(columns, schema=CALL_COLUMNS)


def columns_of_fields(fields: Mapping[str, Sequence[object]]) -> pa.Table:
    """The same of calls as JSON has them, a column a field: no facts need be made, which is most of the work.

    Raises `ValueError` where a field is not what the fact's would have to be.
    """
    columns = {name: list(fields[name]) for name in CALL_COLUMNS.names}
    columns["status"] = [status or "ok" for status in columns["status"]]
    try:
        moments = pa.array(columns["started_at"], pa.string()).cast(_MOMENT).cast(pa.timestamp("us"))
        stated = [
            None if cost is None else exactly(Decimal(str(cost))) for cost in columns["stated_cost_usd"]
        ]
        table = pa.table({**columns, "started_at": moments, "stated_cost_usd": stated}, schema=CALL_COLUMNS)
    except (pa.ArrowException, ArithmeticError) as error:
        raise ValueError(f"expected calls, found something else: {error}") from error
    if moments.null_count:
        raise ValueError("expected calls, found one without a time")
    for name in _COUNTS:
        if (pc.min(table[name]).as_py() or 0) < 0:
            raise ValueError(f"expected counts of tokens, found {name} below 0")
    return table


# a getter of all fields at once takes a tenth of what asking for each would
_of_llm = attrgetter(*CALL_COLUMNS.names)


def _of_embedding(call: EmbeddingCall) -> tuple[object, ...]:
    return tuple(getattr(call, name, None) for name in CALL_COLUMNS.names)


def _naive(moment: datetime) -> datetime:
    offset = moment.utcoffset()
    return moment.replace(tzinfo=None) - (offset or timedelta(0))
