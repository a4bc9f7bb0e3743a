"""What a comparison has cost, its answers and its judgements, and whether a budget has room for more."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter

__all__ = ["JUDGING", "ListeningJournal", "Spending"]

JUDGING = "prompt_judging"
"""The task type of a judge's calls."""


class Spending:
    """Adds up calls, and holds them against a budget (USD); whoever shares it between threads locks it.

    `cost_usd` is None where no call had a price, `unpriced` counts those that had none.
    """

    def __init__(self, budget_usd: Decimal | None, meter: Meter) -> None:
        self.cost_usd: Decimal | None = None
        self.unpriced = 0
        self._budget_usd = budget_usd
        self._meter = meter
        self._dearest = Decimal(0)

    def count(self, call: LLMCall, *, typical: bool = True) -> None:
        """Add a call; only of `typical` ones it is learned what the next one may cost."""
        cost = self._meter.measure(call).cost_usd
        if cost is None:
            self.unpriced += 1
            return
        self.cost_usd = (self.cost_usd or Decimal(0)) + cost
        if typical:
            self._dearest = max(self._dearest, cost)

    @property
    def knows_cost(self) -> bool:
        """Whether it is known what a call costs, as far as that matters."""
        return self._budget_usd is None or self._dearest > 0

    def has_room(self, calls: int) -> bool:
        """Whether the budget has room for so many calls as dear as the dearest; for none without a price."""
        if self._budget_usd is None:
            return True
        return not self.unpriced and (self.cost_usd or 0) + self._dearest * calls <= self._budget_usd


class ListeningJournal(Journal):
    """The same journal, which tells of every LLM call that is written to it."""

    def __init__(self, journal: Journal, on_call: Callable[[LLMCall], None]) -> None:
        super().__init__(journal.path)
        self._on_call = on_call

    def write_fields(self, fields: Mapping[str, object]) -> None:
        super().write_fields(fields)
        if fields.get("kind") == "llm_call":
            self._on_call(LLMCall.model_validate(fields))
