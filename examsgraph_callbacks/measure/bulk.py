"""The figures of many calls at once, from columns to columns, equal to `Meter.measure` to the last digit."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.measure.calls import Meter
from examsgraph_callbacks.measure.columns import FIGURE_COLUMNS
from examsgraph_callbacks.measure.costs import Costs
from examsgraph_callbacks.measure.exact import whole_prices
from examsgraph_callbacks.measure.price import STATED, Quote, why_no_tokens
from examsgraph_callbacks.measure.token_prices import BilledTokens
from examsgraph_callbacks.measure.tokens import count_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]

__all__ = ["measure_columns"]

CallAt = Callable[[int], LLMCall | None]

_UNKNOWN = -1
"""Stands in a column of numbers for a count that nobody knows; counts are never negative."""
_PARTS = (
    "cached_tokens",
    "cache_write_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "reasoning_tokens",
    "cache_write_1h_tokens",
)
"""The columns of `BilledTokens` behind input and output, in its order."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as the column is
_US_A_DAY = 86_400_000_000
_LARGEST = 2**62


def measure_columns(meter: Meter, calls: pa.Table, call_at: CallAt | None) -> pa.Table:
    """The figures (`FIGURE_COLUMNS`) of `calls`, which has at least `CALL_COLUMNS`, row for row.

    Takes under a microsecond a call where usage was reported and prices are flat. `call_at(row)` hands
    over the whole fact of a call whose tokens have to be estimated from its content, one by one, or None
    where that cannot be read; without `call_at` what was not reported is left unknown. Costs are exact to
    10^-18 USD, which is finer than any list.
    """
    bill = _Bill(meter, calls, call_at)
    return pa.table(bill.figures(), schema=FIGURE_COLUMNS)


class _Rows(NamedTuple):
    """Calls that are billed alike: their rows, and what tells how."""

    rows: "Whole"
    provider: str | None
    served: str | None
    requested: str | None
    tier: str | None
    kind: str
    day: date


class _Bill:
    """The calls' token columns as numbers, and their costs as they are worked out."""

    def __init__(self, meter: Meter, calls: pa.Table, call_at: CallAt | None) -> None:
        self._meter = meter
        self._calls = calls
        self._size = calls.num_rows
        self._is_llm = _truth(pc.equal(calls["kind"], "llm_call"))
        self._is_hit = _truth(pc.equal(calls["status"], "cache_hit"))
        self._is_error = _truth(pc.equal(calls["status"], "error"))
        self._inputs, self._outputs = _whole(calls["input_tokens"]), _whole(calls["output_tokens"])
        self._parts = {name: _whole(calls[name]) for name in _PARTS}
        self._is_untold = self._is_llm & _truth(calls["cache_write_split_open"])
        self._is_untold &= self._parts["cache_write_1h_tokens"] == _UNKNOWN
        self._is_untold &= self._parts["cache_write_tokens"] > 0
        self._estimated = np.zeros(self._size, bool)
        self._count(call_at)

    def _count(self, call_at: CallAt | None) -> None:
        """Take what was reported as it is, nothing for a cache hit, and estimate what is missing."""
        self._inputs[self._is_hit] = 0
        self._outputs[self._is_hit & self._is_llm] = 0
        self._outputs[~self._is_llm] = _UNKNOWN
        missing = self._is_llm & ~self._is_hit & ~self._is_error
        missing &= (self._inputs == _UNKNOWN) | (self._outputs == _UNKNOWN)
        if call_at is None:
            return
        for row in np.flatnonzero(missing).tolist():
            call = call_at(row)
            if call is not None:
                tokens = count_tokens(call)
                self._inputs[row] = _countable(tokens.input_tokens)
                self._outputs[row] = _countable(tokens.output_tokens)
                self._estimated[row] = tokens.estimated

    def figures(self) -> list[pa.Array]:
        known = (self._inputs != _UNKNOWN) & (self._outputs != _UNKNOWN)
        misrouted, allowed = self._routes()
        costs, reasons, versions = self._costs()
        return [
            _counts(self._inputs, self._inputs != _UNKNOWN),
            _counts(self._outputs, self._outputs != _UNKNOWN),
            _counts(self._inputs + self._outputs, known),
            pa.array(self._estimated),
            *self._stated_before(costs, reasons, versions),
            misrouted,
            allowed,
        ]

    def _costs(self) -> tuple[pa.Array, pa.Array, pa.Array]:
        costs = Costs(self._size)
        free = np.flatnonzero(self._is_hit)
        costs.add(free, np.zeros(len(free), np.int64), 0)
        lacking = ~self._is_hit & ((self._inputs == _UNKNOWN) | (self._is_llm & (self._outputs == _UNKNOWN)))
        for kind, of_kind in (("llm_call", self._is_llm), ("embedding_call", ~self._is_llm)):
            for status, failed in (("error", self._is_error), (None, ~self._is_error)):
                costs.refuse(np.flatnonzero(lacking & of_kind & failed), why_no_tokens(kind, status))
        for alike in self._alike(np.flatnonzero(~self._is_hit & ~lacking)):
            quote = self._quote(alike)
            if isinstance(quote, str):
                costs.refuse(alike.rows, quote)
            else:
                self._charge(costs, alike, quote)
        return costs.usd(), costs.reasons(), costs.versions()

    def _stated_before(self, costs: pa.Array, reasons: pa.Array, versions: pa.Array) -> list[pa.Array]:
        """What was stated goes before what is listed, which then stands beside it."""
        stated = self._calls["stated_cost_usd"].combine_chunks()
        is_stated = stated.is_valid()
        return [
            pc.coalesce(stated, costs),
            pc.if_else(is_stated, None, reasons),
            pc.if_else(is_stated, STATED, versions),
            pc.if_else(is_stated, costs, None),
        ]

    def _routes(self) -> tuple[pa.Array, pa.Array]:
        """Which calls are misrouted, and what those would cost at the model that their task may use."""
        policy = self._meter.policy
        model = pc.coalesce(self._calls["served_model"], self._calls["requested_model"])
        verdicts: list[bool | None] = []
        wanted: list[str | None] = []
        codes, routes = _distinct([self._calls["task_type"], model, self._calls["kind"]])
        for task_type, name, kind in routes:
            verdict = policy.misrouted(task_type, name) if kind == "llm_call" else None
            verdicts.append(verdict)
            wanted.append(policy.allowed(task_type) if verdict else None)
        misrouted = pa.array(verdicts, pa.bool_()).take(pa.array(codes))
        costs = Costs(self._size)
        billed = ~self._is_hit & (self._inputs != _UNKNOWN) & (self._outputs != _UNKNOWN)
        for code, allowed in enumerate(wanted):
            if allowed is None:
                continue
            for alike in self._alike(np.flatnonzero(billed & (codes == code))):
                instead = alike._replace(served=allowed, requested=allowed)
                quote = self._quote(instead)
                if not isinstance(quote, str):
                    self._charge(costs, instead, quote)
        free = np.flatnonzero(self._is_hit & _truth(misrouted))
        costs.add(free, np.zeros(len(free), np.int64), 0)
        return misrouted, costs.usd()

    def _quote(self, alike: _Rows) -> Quote | str:
        return self._meter.prices.quote(
            alike.provider,
            alike.served,
            alike.requested,
            alike.tier,
            alike.day,
            writes=alike.kind == "llm_call",
        )

    def _alike(self, rows: "Whole") -> Iterable[_Rows]:
        """The rows in groups that have one price each."""
        some = self._calls.select(
            ["provider", "served_model", "requested_model", "service_tier", "kind", "started_at"],
        ).take(pa.array(rows))
        days = pc.cast(pc.cast(some["started_at"], pa.date32()), pa.int32())
        codes, keys = _distinct([*(some[name] for name in some.column_names[:-1]), days])
        order = np.argsort(codes, kind="stable")
        begins = np.searchsorted(codes[order], np.arange(len(keys) + 1))
        for number, (provider, served, requested, tier, kind, day) in enumerate(keys):
            group = rows[order[begins[number] : begins[number + 1]]]
            yield _Rows(group, provider, served, requested, tier, kind, (_EPOCH + timedelta(days=day)).date())

    def _charge(self, costs: Costs, alike: _Rows, quote: Quote) -> None:
        rows = alike.rows
        untold = self._is_untold[rows]
        if not quote.writes_alike and untold.any():
            costs.refuse(rows[untold], quote.why_not_untold)
            rows = rows[~untold]
        inputs, outputs = self._inputs[rows], np.maximum(self._outputs[rows], 0)
        parts = {name: np.maximum(column[rows], 0) for name, column in self._parts.items()}
        if alike.kind == "embedding_call":
            parts = {name: np.zeros_like(column) for name, column in parts.items()}
        odd = np.zeros(len(rows), bool)
        if not quote.hears:
            odd |= parts["audio_input_tokens"] > 0
        if not quote.speaks:
            odd |= parts["audio_output_tokens"] > 0
        for_an_hour = parts["cache_write_1h_tokens"]
        if not quote.keeps:
            odd |= for_an_hour > 0
        whole = None if quote.flat is None else whole_prices(quote.flat)
        if whole is None:
            odd[:] = True
        else:
            plain, amount = inputs.copy(), np.zeros_like(inputs)
            written = parts["cache_write_tokens"]
            odd |= for_an_hour > written
            if whole.cache_write_1h is not None:
                written = written - for_an_hour
            for price, tokens in (
                (whole.cached, parts["cached_tokens"]),
                (whole.cache_write, written),
                (whole.cache_write_1h, for_an_hour),
            ):
                if price is not None:
                    plain -= tokens
                    amount += price * tokens
            amount += whole.input * plain + whole.output * outputs
            most = int(
                max(
                    inputs.max(initial=0), outputs.max(initial=0), *(p.max(initial=0) for p in parts.values())
                )
            )
            odd |= (plain < 0) | bool(most * whole.sum > _LARGEST)
            costs.add(rows[~odd], amount[~odd], whole.decimals, quote.version)
        self._charge_one_by_one(costs, alike, quote, rows[odd])

    def _charge_one_by_one(self, costs: Costs, alike: _Rows, quote: Quote, rows: "Whole") -> None:
        """What is no multiplication: prices in tiers or by the hour, and what cannot be priced."""
        is_llm = alike.kind == "llm_call"
        moments = self._calls["started_at"].take(pa.array(rows)).cast(pa.int64()).to_pylist()
        seen: dict[tuple[BilledTokens, int], tuple[Decimal | None, str | None]] = {}
        for row, microseconds in zip(rows.tolist(), moments, strict=True):
            billed = BilledTokens(int(self._inputs[row]))
            if is_llm:
                parts = (_known(self._parts[name][row]) for name in _PARTS)
                billed = BilledTokens(billed.input, int(self._outputs[row]), *parts)
            key = billed, microseconds if quote.within_a_day else 0
            if key not in seen:
                moment = _EPOCH + timedelta(microseconds=microseconds)
                price = quote.price(alike.served, billed, moment)
                seen[key] = price.cost_usd, price.unpriced_reason
            cost_usd, reason = seen[key]
            costs.add_one(row, cost_usd, reason, quote.version)


def _distinct(columns: Sequence[pa.ChunkedArray | pa.Array]) -> "tuple[Whole, list[tuple[Any, ...]]]":
    """The number of each row's combination of values, and the combinations by their numbers."""
    total: Whole = np.zeros(len(columns[0]), np.int64)
    dictionaries: list[list[Any]] = []
    firsts: Whole = np.zeros(min(1, len(total)), np.int64)
    coded = []
    for column in columns:
        chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        encoded = pc.dictionary_encode(chunk, null_encoding="encode")
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        dictionaries.append(encoded.dictionary.to_pylist())
        coded.append(codes)
        if len(dictionaries[-1]) > 1:
            _, firsts, total = np.unique(
                total * len(dictionaries[-1]) + codes, return_index=True, return_inverse=True
            )
    combinations = [
        tuple(values[codes[first]] for values, codes in zip(dictionaries, coded, strict=True))
        for first in firsts.tolist()
    ]
    return total, combinations


def _whole(column: pa.ChunkedArray) -> "Whole":
    return np.array(pc.fill_null(column, _UNKNOWN).to_numpy(), np.int64, copy=True)


def _truth(column: pa.ChunkedArray | pa.Array) -> "NDArray[np.bool_]":
    return np.array(pc.fill_null(column, False).to_numpy(zero_copy_only=False), bool)


def _counts(numbers: "Whole", known: "NDArray[np.bool_]") -> pa.Array:
    return pa.array(numbers, pa.int64(), mask=~known)


def _countable(tokens: int | None) -> int:
    # a count that no column takes is one that nobody knows
    return _UNKNOWN if tokens is None or tokens >= _LARGEST else tokens


def _known(count: object) -> int | None:
    number = int(str(count))
    return None if number == _UNKNOWN else number
