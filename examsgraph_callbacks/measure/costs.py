"""The costs of many calls as they are worked out, in whatever order, and the reasons of those without one."""

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from examsgraph_callbacks.measure.exact import COST, MOST_USD, costs_in_usd, exactly

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]

__all__ = ["Costs"]

_NOWHERE = -1


class Costs:
    """Costs and reasons as they come in, by row."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rows: list[Whole] = []
        self._usd: list[pa.Array] = []
        self._single: dict[int, Decimal] = {}
        self._reason = np.zeros(size, np.int32)
        self._version = np.zeros(size, np.int32)
        self._texts: dict[str | None, int] = {None: 0}

    def add(self, rows: "Whole", amounts: "Whole", decimals: int, version: str | None = None) -> None:
        """`amounts` are whole numbers of 10^-`decimals` USD."""
        self._rows.append(rows)
        self._usd.append(costs_in_usd(amounts, decimals))
        self._version[rows] = self._code(version)

    def add_one(self, row: int, cost_usd: Decimal | None, reason: str | None, version: str) -> None:
        if cost_usd is None:
            self._reason[row] = self._code(reason)
        elif cost_usd >= MOST_USD:
            self._reason[row] = self._code(f"it would cost {cost_usd:.3g} USD, more than can be kept")
        else:
            self._single[row] = exactly(cost_usd)
            self._version[row] = self._code(version)

    def refuse(self, rows: "Whole", reason: str) -> None:
        self._reason[rows] = self._code(reason)

    def usd(self) -> pa.Array:
        """The costs by row, null where there is none."""
        every = pa.concat_arrays([*self._usd, pa.array(self._single.values(), COST)])
        place = np.full(self._size, _NOWHERE, np.int64)
        place[np.concatenate([*self._rows, np.fromiter(self._single, np.int64)])] = np.arange(len(every))
        return every.take(pa.array(place, mask=place == _NOWHERE))

    def reasons(self) -> pa.Array:
        return self._told(self._reason)

    def versions(self) -> pa.Array:
        return self._told(self._version)

    def _code(self, text: str | None) -> int:
        return self._texts.setdefault(text, len(self._texts))

    def _told(self, codes: "NDArray[np.int32]") -> pa.Array:
        return pa.array(list(self._texts), pa.string()).take(pa.array(codes))
