"""What some calls took together: tokens, cost and time."""

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from examsgraph_callbacks.measure import MeasuredCall, MeasuredEmbedding

__all__ = ["CallFigures", "Cost", "CostTally", "FiguresTally", "Measured"]

Measured = MeasuredCall | MeasuredEmbedding
"""Any measured call, of a model that answers or of one that embeds."""

Number = TypeVar("Number", int, Decimal)


@dataclass(frozen=True, slots=True)
class Cost:
    """What some calls cost together: `usd` sums those that have a price, None where none has one.

    `unpriced` counts the calls without a price by the reason, the most frequent first; where it is not
    empty, `usd` is a lower bound.
    """

    usd: Decimal | None
    unpriced: tuple[tuple[str, int], ...] = ()

    @property
    def unpriced_calls(self) -> int:
        """How many calls have no price."""
        return sum(count for _, count in self.unpriced)

    def __add__(self, other: "Cost") -> "Cost":
        unpriced = Counter(dict(self.unpriced)) + Counter(dict(other.unpriced))
        return Cost(_sum_of_known(self.usd, other.usd), tuple(unpriced.most_common()))


@dataclass(frozen=True, slots=True)
class CallFigures:
    """The figures of some calls.

    Token counts sum what is known, None where nothing is; cached tokens are parts of input. `estimated`
    counts the calls of which a token count was not reported. Latencies (ms) are of the calls that were
    answered by a model in full, times to the first token (ms) of the streamed ones among them.
    Percentiles are by nearest rank. Embedding calls have neither output nor routes: theirs are None.
    """

    calls: int
    failed: int
    misroutes: int | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    estimated: int
    cost: Cost
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    time_to_first_token_p50_ms: float | None

    @property
    def estimated_share(self) -> float:
        """The share of calls whose tokens are estimated, from 0 to 1."""
        return self.estimated / self.calls if self.calls else 0.0

    def with_embeddings(self, embeddings: "CallFigures") -> "CallFigures":
        """These figures with the calls, tokens and cost of `embeddings`, and not with their times."""
        return replace(
            self,
            calls=self.calls + embeddings.calls,
            failed=self.failed + embeddings.failed,
            input_tokens=_sum_of_known(self.input_tokens, embeddings.input_tokens),
            cost=self.cost + embeddings.cost,
        )


@dataclass(slots=True)
class CostTally:
    """Takes measured calls one by one, for their cost alone."""

    calls: int = 0
    usd: Decimal | None = None
    unpriced: Counter[str] = field(default_factory=Counter)

    def add(self, measured: Measured) -> None:
        """Count one more call."""
        self.calls += 1
        if measured.cost_usd is not None:
            self.usd = _sum_of_known(self.usd, measured.cost_usd)
        else:
            self.unpriced[measured.unpriced_reason or "unknown"] += 1

    def cost(self) -> Cost:
        """What the calls so far cost."""
        return Cost(self.usd, tuple(self.unpriced.most_common()))


@dataclass(slots=True)
class FiguresTally:
    """Takes measured calls one by one."""

    costs: CostTally = field(default_factory=CostTally)
    failed: int = 0
    misroutes: int | None = None
    estimated: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    latencies_ms: "array[float]" = field(default_factory=lambda: array("d"))
    first_tokens_ms: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, measured: Measured) -> None:
        """Count one more call."""
        call = measured.call
        self.costs.add(measured)
        self.failed += call.status in {"error", "partial"}
        self.input_tokens = _sum_of_known(self.input_tokens, measured.input_tokens)
        if call.status == "ok":
            self.latencies_ms.append(call.latency_ms)
        if isinstance(measured, MeasuredCall):
            self._add_answer(measured)

    def _add_answer(self, measured: MeasuredCall) -> None:
        """What only a call of a model that answers has."""
        call = measured.call
        self.misroutes = (self.misroutes or 0) + bool(measured.misrouted)
        self.estimated += measured.estimated
        self.output_tokens = _sum_of_known(self.output_tokens, measured.output_tokens)
        if call.status != "cache_hit":
            self.cached_tokens = _sum_of_known(self.cached_tokens, call.cached_tokens)
        if call.status == "ok" and call.time_to_first_token_ms is not None:
            self.first_tokens_ms.append(call.time_to_first_token_ms)

    def figures(self) -> CallFigures:
        """The figures of the calls so far."""
        return CallFigures(
            calls=self.costs.calls,
            failed=self.failed,
            misroutes=self.misroutes,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_tokens=self.cached_tokens,
            estimated=self.estimated,
            cost=self.costs.cost(),
            latency_p50_ms=_percentile(self.latencies_ms, 50),
            latency_p95_ms=_percentile(self.latencies_ms, 95),
            time_to_first_token_p50_ms=_percentile(self.first_tokens_ms, 50),
        )


def _sum_of_known(total: Number | None, more: Number | None) -> Number | None:
    return total if more is None else more if total is None else total + more


def _percentile(values: "array[float]", percent: int) -> float | None:
    """The nearest rank: the smallest value that at least `percent` % of the values do not exceed."""
    if not values:
        return None
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
