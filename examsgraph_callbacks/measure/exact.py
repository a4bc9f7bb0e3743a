"""Prices as whole numbers and costs as decimals: many products at once, and no digit lost."""

from decimal import Context, Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from examsgraph_callbacks.measure.token_prices import TokenPrices

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["COST", "MOST_USD", "WholePrices", "costs_in_usd", "decimals", "exactly", "whole_prices"]

COST = pa.decimal128(38, 18)
"""The type of a column of costs in USD."""

MOST_USD = Decimal(10) ** (COST.precision - COST.scale)
"""No cost that reaches this finds room in such a column."""

_OF_A_MILLION = 6
_DIGITS = Context(prec=COST.precision)
_LARGEST_PRICE = 2**40


class WholePrices(NamedTuple):
    """Prices of one token in whole numbers of 10^-`decimals` USD; None: billed as what it is a part of."""

    input: int
    output: int
    cached: int | None
    cache_write: int | None
    cache_write_1h: int | None
    decimals: int

    @property
    def sum(self) -> int:
        """No cost exceeds this times the largest count of tokens."""
        of_parts = (self.cached or 0) + (self.cache_write or 0) + (self.cache_write_1h or 0)
        return self.input + self.output + of_parts


def whole_prices(prices: TokenPrices) -> WholePrices | None:
    """The same prices as whole numbers; None where they are too fine, or too large, for that."""
    named = (prices.input, prices.output, prices.cached, prices.cache_write, prices.cache_write_1h)
    digits = max(_decimals(price) for price in named if price is not None)
    whole = [None if price is None else int(price.scaleb(digits)) for price in named]
    if digits + _OF_A_MILLION > COST.scale or any(price > _LARGEST_PRICE for price in whole if price):
        return None
    plain, output, cached, cache_write, cache_write_1h = whole
    return WholePrices(
        plain or 0, output or 0, cached, cache_write, cache_write_1h, decimals=digits + _OF_A_MILLION
    )


def costs_in_usd(amounts: "NDArray[np.int64]", decimals: int) -> pa.Array:
    """Amounts (of 0 or more) in whole numbers of 10^-`decimals` USD as decimals."""
    words = np.zeros((len(amounts), 2), np.int64)  # 128 bits, the lower 64 first
    words[:, 0] = amounts
    narrow = pa.Array.from_buffers(pa.decimal128(38, decimals), len(amounts), [None, pa.py_buffer(words)])
    return narrow.cast(COST)


def exactly(cost_usd: Decimal) -> Decimal:
    """A cost as such a column keeps it."""
    return cost_usd.quantize(Decimal(1).scaleb(-COST.scale), context=_DIGITS)


def decimals(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Decimals as they stand in JSON, in whatever notation, as such a column."""
    try:
        return texts.cast(COST)
    except pa.ArrowInvalid:
        return pa.array(
            [None if text is None else exactly(Decimal(text)) for text in texts.to_pylist()], COST
        )


def _decimals(price: Decimal) -> int:
    exponent = price.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
