"""Measure recorded calls again: what they cost, and what they would have cost under other assumptions.

Facts are read in batches and measured in columns, so that a month of a million calls takes seconds, and no
more memory than a batch.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.replay.batches import batches_of_calls
from examsgraph_callbacks.replay.reading import Flaw
from examsgraph_callbacks.replay.recording import Recording, log_flaw

if TYPE_CHECKING:
    from examsgraph_callbacks.measure import Assumptions, CallGroup, CallPair, MeasuredBatch

__all__ = ["Figures", "Remeasured", "Remeasuring", "remeasure"]


@dataclass(slots=True)
class Figures:
    """Sums of calls, by where their tokens are from; costs in USD.

    `reported_usd` and `estimated_usd` add up to `cost_usd`, and the four counts to `calls`. A call without a
    price is in `unpriced`, by the reason, and in no cost. Cache hits took no tokens and cost nothing.
    """

    calls: int = 0
    reported: int = 0
    estimated: int = 0
    cache_hits: int = 0
    unknown: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reported_usd: Decimal = Decimal(0)
    estimated_usd: Decimal = Decimal(0)
    unpriced: Counter[str] = field(default_factory=Counter)
    misrouted: int = 0
    price_versions: set[str] = field(default_factory=set)

    @property
    def cost_usd(self) -> Decimal:
        """What the calls with a price cost."""
        return self.reported_usd + self.estimated_usd

    @property
    def unpriced_calls(self) -> int:
        """How many calls have no price."""
        return self.unpriced.total()

    def add(self, group: "CallGroup") -> None:
        """Take a group of calls in."""
        self.calls += group.calls
        match group.usage:
            case "reported":
                self.reported += group.calls
                self.reported_usd += group.cost_usd or 0
            case "estimated":
                self.estimated += group.calls
                self.estimated_usd += group.cost_usd or 0
            case "cache_hit":
                self.cache_hits += group.calls
            case "unknown":
                self.unknown += group.calls
                # nothing was measured, but what was stated was
                self.reported_usd += group.cost_usd or 0
        self.input_tokens += group.input_tokens
        self.output_tokens += group.output_tokens
        self.cached_tokens += group.cached_tokens
        if group.unpriced_reason is not None:
            self.unpriced[group.unpriced_reason] += group.calls
        if group.misrouted:
            self.misrouted += group.calls
        if group.price_version is not None:
            self.price_versions.add(group.price_version)


@dataclass(slots=True)
class Remeasured:
    """All calls as they were and as they would have been, and the same by model.

    `models` are keyed by the recorded model and the one assumed in its place; of `swapped` calls these are
    not the same, and their tokens are assumed to be: another model would have counted, and written, others.
    """

    recorded: Figures = field(default_factory=Figures)
    then: Figures = field(default_factory=Figures)
    models: dict[tuple[str | None, str | None], tuple[Figures, Figures]] = field(default_factory=dict)
    swapped: int = 0


class Remeasuring:
    """Takes batches of calls in; `result` is what they amount to."""

    def __init__(self) -> None:
        self.result = Remeasured()

    def add(self, batch: "MeasuredBatch") -> None:
        """Take one more batch in."""
        recorded, then = batch.groups()
        then_models = {(group.model, group.usage): group.then_model for group in then}
        for group in recorded:
            self.result.recorded.add(group)
            self._model(group.model, then_models[group.model, group.usage])[0].add(group)
        for group in then:
            self.result.then.add(group)
            self._model(group.model, group.then_model)[1].add(group)
            if group.model != group.then_model:
                self.result.swapped += group.calls

    def _model(self, model: str | None, then_model: str | None) -> tuple[Figures, Figures]:
        return self.result.models.setdefault((model, then_model), (Figures(), Figures()))


def remeasure(
    facts: "Iterable[Fact] | Recording",
    then: Meter,
    assumptions: "Assumptions",
    *,
    recorded: Meter | None = None,
    on_call: "Callable[[CallPair], None] | None" = None,
    on_flaw: Callable[[Flaw], None] = log_flaw,
) -> Remeasured:
    """Measure the calls among `facts`: by `recorded` as they were, and by `then` as `assumptions` say.

    `recorded` goes by list prices unless it is given. `on_call` is told each call's figures, in order, and
    `on_flaw` what of a recording cannot be read. The same facts, prices and policies give the same figures
    to the last digit.
    """
    from examsgraph_callbacks.measure import MeasuredBatch

    meters = (recorded or Meter(), then)
    remeasuring = Remeasuring()
    for calls in batches_of_calls(facts, on_flaw):
        batch = MeasuredBatch(calls.columns, calls.event_ids, calls.call_at, meters, assumptions)
        remeasuring.add(batch)
        if on_call is not None:
            for pair in batch.pairs():
                on_call(pair)
    return remeasuring.result
