"""A batch of calls measured twice: as they were, and as they would have been; summed up, or one by one."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.measure.assumptions import Assumptions
from examsgraph_callbacks.measure.bulk import measure_columns
from examsgraph_callbacks.measure.calls import Meter

__all__ = ["CallGroup", "CallPair", "MeasuredBatch", "Usage"]

Usage = Literal["reported", "estimated", "cache_hit", "unknown"]
"""Where a call's tokens are from; `unknown` where neither usage nor enough content is on record."""

_KEYS = ("model", "then_model", "usage", "misrouted", "unpriced_reason", "price_version")
_SUMS = ("input_tokens", "output_tokens", "cached_tokens", "cost_usd")


class CallGroup(NamedTuple):
    """Calls that are alike, and their sums; `cost_usd` is None where none of them has a price.

    `model` is the recorded one, `then_model` what the figures are of.
    """

    model: str | None
    then_model: str | None
    usage: Usage
    misrouted: bool | None
    unpriced_reason: str | None
    price_version: str | None
    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: Decimal | None


class CallPair(NamedTuple):
    """One call's figures, as recorded and then; costs in USD, None where there is no price."""

    event_id: str
    model: str | None
    then_model: str | None
    usage: Usage
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    then_cost_usd: Decimal | None
    unpriced_reason: str | None
    then_unpriced_reason: str | None
    misrouted: bool | None
    then_misrouted: bool | None


class MeasuredBatch:
    """`calls` (with `CALL_COLUMNS`) by the first of `meters`, and under `assumptions` by the second.

    `call_at(row)` hands over the fact of a call whose tokens have to be estimated.

    Tokens are the same in both: what was reported, else estimated once, for the model that answered.
    """

    def __init__(
        self,
        calls: pa.Table,
        event_ids: Sequence[str],
        call_at: Callable[[int], LLMCall],
        meters: tuple[Meter, Meter],
        assumptions: Assumptions,
    ) -> None:
        recorded, then = meters
        self._event_ids = event_ids
        self._calls = calls
        self._figures = measure_columns(recorded, calls, call_at)
        if recorded is then and assumptions == Assumptions():
            self._then, self._then_figures = self._calls, self._figures
        else:
            self._then = assumptions.applied(self._with_tokens())
            self._then_figures = measure_columns(then, self._then, call_at)
        self._models = _models(self._calls)
        self._then_models = _models(self._then)
        self._usage = _usage(self._calls, self._figures)

    def groups(self) -> tuple[list[CallGroup], list[CallGroup]]:
        """The calls in groups, as recorded and then."""
        return (
            self._grouped(self._figures, self._models),
            self._grouped(self._then_figures, self._then_models),
        )

    def pairs(self) -> Iterator[CallPair]:
        """Each call, in order."""
        before, then = self._figures, self._then_figures
        columns = [
            self._models,
            self._then_models,
            self._usage,
            before["input_tokens"],
            before["output_tokens"],
            before["cost_usd"],
            then["cost_usd"],
            before["unpriced_reason"],
            then["unpriced_reason"],
            before["misrouted"],
            then["misrouted"],
        ]
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        for event_id, row in zip(self._event_ids, rows, strict=True):
            yield CallPair(event_id, *row)

    def _with_tokens(self) -> pa.Table:
        """The calls with what was estimated in its place, so that it is not estimated for another model."""
        columns = {name: self._calls[name] for name in self._calls.column_names}
        for name in ("input_tokens", "output_tokens"):
            # of a cache hit the fact's own, which the price list does not look at
            columns[name] = pc.coalesce(columns[name], self._figures[name])
        return pa.table(columns, schema=self._calls.schema)

    def _grouped(self, figures: pa.Table, then_models: pa.Array) -> list[CallGroup]:
        table = pa.table(
            {
                "model": self._models,
                "then_model": then_models,
                "usage": self._usage,
                "misrouted": figures["misrouted"],
                "unpriced_reason": figures["unpriced_reason"],
                "price_version": figures["price_version"],
                "input_tokens": self._figures["input_tokens"],
                "output_tokens": self._figures["output_tokens"],
                "cached_tokens": self._calls["cached_tokens"],
                "cost_usd": figures["cost_usd"],
            },
        )
        sums = table.group_by(list(_KEYS), use_threads=False).aggregate(
            [([], "count_all"), *((name, "sum") for name in _SUMS)],
        )
        return [_group(row) for row in sums.to_pylist()]


def _group(row: dict[str, object]) -> CallGroup:
    keys = [row[key] for key in _KEYS]
    sums = [row[f"{name}_sum"] or 0 for name in _SUMS[:-1]]
    return CallGroup._make([*keys, row["count_all"], *sums, row["cost_usd_sum"]])


def _models(calls: pa.Table) -> pa.ChunkedArray:
    return pc.coalesce(calls["served_model"], calls["requested_model"])


def _usage(calls: pa.Table, figures: pa.Table) -> pa.ChunkedArray:
    is_unknown = pc.or_(
        pc.is_null(figures["input_tokens"]),
        pc.and_(pc.equal(calls["kind"], "llm_call"), pc.is_null(figures["output_tokens"])),
    )
    return pc.case_when(
        pc.make_struct(pc.equal(calls["status"], "cache_hit"), is_unknown, figures["estimated"]),
        pa.scalar("cache_hit"),
        pa.scalar("unknown"),
        pa.scalar("estimated"),
        pa.scalar("reported"),
    )
