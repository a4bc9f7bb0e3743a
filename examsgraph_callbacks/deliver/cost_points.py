"""Calls as points of their day: which run each belongs to, where in it, and what they amount to."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from examsgraph_callbacks.deliver.runs import milliseconds
from examsgraph_callbacks.events import EmbeddingCall, LLMCall
from examsgraph_callbacks.measure import MeasuredCall, MeasuredEmbedding

__all__ = ["CallPoint", "DayRoute", "DayTotals", "call_point", "day_route"]

_STEPS_AN_HOUR = 10**12
_HOUR_MS = 3_600_000
_SLOTS = _STEPS_AN_HOUR // _HOUR_MS  # steps a millisecond


@dataclass(frozen=True, slots=True)
class DayRoute:
    """What the calls of one run have in common: the day (UTC), the model and the task type.

    The model is the one that answered, with its date, else the requested one.
    """

    day: date
    model: str | None
    task_type: str | None

    @property
    def key(self) -> str:
        """What tells the run from all others."""
        return f"{self.day} {self.task_type or '-'} {self.model or '-'}"

    @property
    def began(self) -> datetime:
        """The day's beginning (UTC)."""
        return datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)

    @property
    def ended(self) -> datetime:
        """The next day's beginning (UTC)."""
        return self.began + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CallPoint:
    """One call in its run, at its beginning.

    `step` counts 10^12 to the hour of the day: MLflow's axis of steps reads 14.5T at half past two. Below the
    millisecond it is made of the call's `event_id`, so that calls of one moment stay apart and a call
    that is delivered again is known. `total_tokens` and `cost_usd` are None where they are not known.
    """

    step: int
    moment_ms: int
    latency_ms: float
    total_tokens: int | None
    cost_usd: Decimal | None
    estimated: bool

    @property
    def metrics(self) -> dict[str, float]:
        """The call's figures, by the names of their series."""
        figures = {
            "latency_ms": self.latency_ms,
            "total_tokens": self.total_tokens,
            "estimated_cost_usd": None if self.cost_usd is None else float(self.cost_usd),
            "estimated": 1 if self.estimated else None,
        }
        return {name: value for name, value in figures.items() if value is not None}


@dataclass(frozen=True, slots=True)
class DayTotals:
    """What some calls of one run amount to; sums are None where nothing is known."""

    calls: int = 0
    priced_calls: int = 0
    estimated_calls: int = 0
    cost_usd: Decimal | None = None
    tokens: int | None = None

    @classmethod
    def read(cls, metrics: Mapping[str, float]) -> "DayTotals":
        """The totals that `metrics` were made of."""
        calls = round(metrics.get("day_calls", 0))
        cost_usd, tokens = metrics.get("day_cost_usd"), metrics.get("day_tokens")
        return cls(
            calls=calls,
            priced_calls=calls - round(metrics.get("unpriced_calls", 0)),
            estimated_calls=round(metrics.get("estimated_calls", 0)),
            cost_usd=None if cost_usd is None else Decimal(repr(cost_usd)),
            tokens=None if tokens is None else round(tokens),
        )

    def plus(self, points: Sequence[CallPoint]) -> "DayTotals":
        """These totals, and what more calls add to them."""
        costs = [point.cost_usd for point in points if point.cost_usd is not None]
        tokens = [point.total_tokens for point in points if point.total_tokens is not None]
        return DayTotals(
            calls=self.calls + len(points),
            priced_calls=self.priced_calls + len(costs),
            estimated_calls=self.estimated_calls + sum(point.estimated for point in points),
            cost_usd=sum(costs, self.cost_usd or Decimal(0)) if costs else self.cost_usd,
            tokens=sum(tokens, self.tokens or 0) if tokens else self.tokens,
        )

    def metrics(self, misrouted: bool | None) -> dict[str, float]:
        """The totals by the names of their metrics; `misrouted` is the routing policy's verdict on the route.

        `day_cost_usd` is of the calls that have a price; `unpriced_calls` counts the others.
        """
        figures = {
            "day_calls": self.calls,
            "day_tokens": self.tokens,
            "day_cost_usd": None if self.cost_usd is None else float(self.cost_usd),
            "unpriced_calls": self.calls - self.priced_calls,
            "estimated_calls": self.estimated_calls,
            "misroutes": None if misrouted is None else self.calls * misrouted,
        }
        return {name: value for name, value in figures.items() if value is not None}


def day_route(call: LLMCall | EmbeddingCall) -> DayRoute:
    """The run that the call belongs to, by the moment when it began."""
    day = call.started_at.astimezone(UTC).date()
    return DayRoute(day, call.served_model or call.requested_model, call.task_type)


def call_point(measured: MeasuredCall | MeasuredEmbedding) -> CallPoint:
    """The call as a point of its run; of an embedding call the tokens are its input.

    Raises `InvalidInputError` for a moment that MLflow has no place for.
    """
    call = measured.call
    moment_ms = milliseconds(call.started_at)
    of_the_day = (moment_ms - milliseconds(day_route(call).began)) * _STEPS_AN_HOUR // _HOUR_MS
    digest = hashlib.blake2s(call.event_id.encode(), digest_size=8).digest()
    return CallPoint(
        step=of_the_day + int.from_bytes(digest, "big") % _SLOTS,
        moment_ms=moment_ms,
        latency_ms=call.latency_ms,
        total_tokens=measured.total_tokens if isinstance(measured, MeasuredCall) else measured.input_tokens,
        cost_usd=measured.cost_usd,
        estimated=isinstance(measured, MeasuredCall) and measured.estimated,
    )
