"""What some calls took together: tokens, cost and time."""

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from examsgraph_callbacks.measure import MeasuredCall

__all__ = ["CallFigures", "Cost", "CostTally", "FiguresTally"]


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


@dataclass(frozen=True, slots=True)
class CallFigures:
    """The figures of some calls.

    Token counts sum what is known, None where nothing is; cached tokens are parts of input. `estimated`
    counts the calls of which a token count was not reported. Latencies (ms) are of the calls that were
    answered by a model in full, times to the first token (ms) of the streamed ones among them.
    Percentiles are by nearest rank.
    """

    calls: int
    failed: int
    misroutes: int
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


@dataclass(slots=True)
class CostTally:
    """Takes measured calls one by one, for their cost alone."""

    calls: int = 0
    usd: Decimal | None = None
    unpriced: Counter[str] = field(default_factory=Counter)

    def add(self, measured: MeasuredCall) -> None:
        """Count one more call."""
        self.calls += 1
        if measured.cost_usd is not None:
            self.usd = (self.usd or Decimal(0)) + measured.cost_usd
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
    misroutes: int = 0
    estimated: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    latencies_ms: "array[float]" = field(default_factory=lambda: array("d"))
    first_tokens_ms: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, measured: MeasuredCall) -> None:
        """Count one more call."""
        call = measured.call
        self.costs.add(measured)
        self.failed += call.status in {"error", "partial"}
        self.misroutes += bool(measured.misrouted)
        self.estimated += measured.estimated
        self.input_tokens = _sum_of_known(self.input_tokens, measured.input_tokens)
        self.output_tokens = _sum_of_known(self.output_tokens, measured.output_tokens)
        if call.status != "cache_hit":
            self.cached_tokens = _sum_of_known(self.cached_tokens, call.cached_tokens)
        if call.status == "ok":
            self.latencies_ms.append(call.latency_ms)
            if call.time_to_first_token_ms is not None:
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


def _sum_of_known(total: int | None, more: int | None) -> int | None:
    return total if more is None else (total or 0) + more


def _percentile(values: "array[float]", percent: int) -> float | None:
    """The nearest rank: the smallest value that at least `percent` % of the values do not exceed."""
    if not values:
        return None
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
