"""What an experiment can be judged by: each a ratio of two sums over a learner, and which way is better."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["GUARDRAILS", "METRICS", "Metric", "MetricName"]

MetricName: TypeAlias = Literal["satisfaction", "understanding", "followup_rate", "cost_usd", "latency_ms"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric; `minimum_effect` is the smallest difference of interest where no other is said.

    `unit` follows its numbers. `per` says what it is counted over: the numerator is summed over a learner,
    and so is what it is divided by; an arm's value is the ratio of the sums of all its learners.
    """

    name: MetricName
    title: str
    per: str
    unit: str
    higher_is_better: bool
    minimum_effect: float
    decimals: int


METRICS: dict[MetricName, Metric] = {
    metric.name: metric
    for metric in (
        Metric("satisfaction", "satisfaction", "thumb up or down", "", True, 0.05, 3),
        Metric("understanding", "understanding score", "score (1 to 5)", "", True, 0.2, 3),
        Metric("followup_rate", "follow-up rate", "exposure", "", False, 0.05, 3),
        Metric("cost_usd", "cost", "exposure", "USD", False, 0.001, 6),
        Metric("latency_ms", "latency", "LLM call", "ms", False, 200.0, 0),
    )
}
"""By their names."""

GUARDRAILS: tuple[MetricName, ...] = ("cost_usd", "latency_ms")
"""What must not get worse for a better one."""
