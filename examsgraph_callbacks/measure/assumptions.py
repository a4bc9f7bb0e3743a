"""Calls as they would have been at other models or on another day, with the same tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

import pyarrow as pa

from examsgraph_callbacks.measure.columns import CALL_COLUMNS
from examsgraph_callbacks.measure.routing import model_family

__all__ = ["Assumptions"]

_US_A_DAY = 86_400_000_000
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """`models` says which model takes the place of which, `as_of` the day (UTC) whose prices hold.

    A name stands for its dated snapshots too, as in a routing policy. What takes a place is a model's name,
    at the same provider unless it says `provider/model`.
    """

    models: Mapping[str, str] = field(default_factory=lambda: _NONE)
    as_of: date | None = None

    def model_for(self, served: str | None, requested: str | None) -> str | None:
        """What takes the place of a call's model, None where it stays as it is."""
        # what was served is what is billed; nobody may have said what that was
        name = served or requested
        return None if name is None else self.models.get(name) or self.models.get(model_family(name))

    def applied(self, calls: pa.Table) -> pa.Table:
        """`calls` (with `CALL_COLUMNS`) as they would have been.

        Their tokens stay as they are, and costs that were stated with them do not hold any more.
        """
        columns = {name: calls[name] for name in CALL_COLUMNS.names}
        columns["stated_cost_usd"] = pa.nulls(calls.num_rows, CALL_COLUMNS.field("stated_cost_usd").type)
        if self.models:
            columns.update(self._swapped(calls))
        if self.as_of is not None:
            columns["started_at"] = _on(self.as_of, calls["started_at"])
        return pa.table(columns, schema=CALL_COLUMNS)

    def _swapped(self, calls: pa.Table) -> dict[str, list[str | None]]:
        swaps: dict[tuple[str | None, str | None], str | None] = {}
        names = {name: calls[name].to_pylist() for name in ("provider", "served_model", "requested_model")}
        for row, models in enumerate(zip(names["served_model"], names["requested_model"], strict=True)):
            if models not in swaps:
                swaps[models] = self.model_for(*models)
            instead = swaps[models]
            if instead is not None:
                provider, slash, model = instead.partition("/")
                if slash:
                    names["provider"][row] = provider
                names["served_model"][row] = names["requested_model"][row] = model if slash else instead
        return names


def _on(day: date, moments: pa.ChunkedArray) -> pa.Array:
    """The same times of day on another day: some models' prices change by the hour."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    begin = midnight // timedelta(microseconds=1)
    numbers = moments.cast(pa.int64()).to_numpy()
    return pa.array(numbers % _US_A_DAY + begin, pa.int64()).cast(pa.timestamp("us"))
