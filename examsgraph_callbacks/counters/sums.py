"""Adds up: values by series and labels, of which each label has a bounded number of values."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from examsgraph_callbacks.counters.series import (
    HISTOGRAMS,
    LIMITS,
    OTHER,
    SERIES,
    UNKNOWN,
    Number,
)

__all__ = ["Key", "Sums"]

Key = tuple[str, tuple[str, ...]]

_LONGEST = 120  # characters of a label's value


class Sums:
    """What was counted, by series and label values; `known` tells the values of each label so far."""

    def __init__(self, values: dict[Key, list[Number]], known: dict[str, set[str]]) -> None:
        self.values = values
        self.known = known
        self.changed: set[Key] = set()

    def count(self, name: str, labels: Sequence[str | None], by: Number = 1) -> None:
        """Add to a counter."""
        self._add(name, labels, [by])

    def observe(self, name: str, labels: Sequence[str | None], count: int, total: float) -> None:
        """Add observations to a summary."""
        self._add(name, labels, [count, total])

    def distribute(
        self, name: str, labels: Sequence[str | None], counts: Sequence[int], total: float
    ) -> None:
        """Add observations to a histogram, which are so many in each bucket."""
        self._add(name, labels, [*counts, total])

    def begin(self, name: str) -> None:
        """Have a series without labels, though nothing was counted."""
        self._add(name, (), _nothing(name))

    def _add(self, name: str, labels: Sequence[str | None], values: Iterable[Number]) -> None:
        named = zip(SERIES[name].labels, labels, strict=True)
        key = name, tuple(self._bounded(label, value) for label, value in named)
        sums = self.values.setdefault(key, _nothing(name))
        for place, value in enumerate(values):
            # costs are exact, and no float
            sums[place] = sums[place] + value  # type: ignore[operator]
        self.changed.add(key)

    def _bounded(self, label: str, value: str | None) -> str:
        if not value:
            return UNKNOWN
        value = value[:_LONGEST]
        known = self.known.setdefault(label, set())
        if value not in known:
            if len(known) >= LIMITS[label]:
                return OTHER
            known.add(value)
        return value


def _nothing(name: str) -> list[Number]:
    kind = SERIES[name].kind
    if kind == "histogram":
        return [*([0] * (len(HISTOGRAMS[name]) + 1)), 0.0]
    if kind == "summary":
        return [0, 0.0]
    return [Decimal(0) if name.endswith("_usd") else 0]
