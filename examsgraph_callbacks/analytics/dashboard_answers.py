"""What the dashboard's questions answer, as the HTTP API hands it out."""

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel

from examsgraph_callbacks.analytics.answers import Answer, ModelFigures

__all__ = [
    "Choices",
    "ConceptFailures",
    "Concepts",
    "Costs",
    "ModelCost",
    "Speed",
    "SpeedThen",
    "Spending",
    "Spendings",
    "StrangeExploration",
    "StrangeExplorations",
]


class Spending(Answer):
    """What all calls cost from the beginning of `since` (a day of the configured zone) until now.

    `income_krw` is what the month's `learners` (user ids with a call) pay by the subscription's price: of
    a day, that day's part of its month; `cost_share` is the cost's part of it. `cost_usd` is of those calls
    that have a price, None where none has: with `unpriced_calls` it is a lower bound. Of
    `estimated_calls` the tokens were counted here, since the provider reported none.
    """

    since: date
    calls: int
    learners: int
    cost_usd: Decimal | None
    cost_krw: Decimal | None
    unpriced_calls: int
    estimated_calls: int
    income_krw: Decimal
    cost_share: float | None


class Spendings(Answer):
    """Today and this month by the configured zone's clock. `month_days` is how long the month is.

    `month_gone` is the part of the month that is over, 0 to 1.
    """

    today: Spending
    month: Spending
    subscription_krw: Decimal
    month_days: int
    month_gone: float


class ModelCost(Answer):
    """The calls of one served model in the hour or day that `began` (the configured zone)."""

    began: datetime
    model: str | None
    calls: int
    cost_usd: Decimal | None
    unpriced_calls: int
    estimated_calls: int


class Costs(Answer):
    """What was spent, in order of time; hours or days without a call are left out.

    `by` is `hour` where the period is three days or shorter, else `day`. Shares are of calls, 0 to 1.
    """

    by: str
    times: tuple[ModelCost, ...]
    calls: int
    cost_usd: Decimal | None
    cost_krw: Decimal | None
    unpriced_share: float | None
    estimated_share: float | None


class SpeedThen(Answer):
    """How long answered calls took in the hour or day that `began`: nearest-rank percentiles, ms."""

    began: datetime
    calls: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None


class Speed(Answer):
    """How long calls took: each model's, in the course of time, and of all together; ms."""

    by: str
    times: tuple[SpeedThen, ...]
    models: tuple[ModelFigures, ...]
    calls: int
    failed: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None


class ConceptFailures(Answer):
    """A concept, the feedbacks on it that were failures, and the mean of its `scores` (1 to 5)."""

    concept: str
    failures: int
    scores: int
    understanding: float | None


class Concepts(Answer):
    """The concepts that failed most, by falling count, ties by name; failures in all, and of no concept."""

    concepts: tuple[ConceptFailures, ...]
    failures: int
    unattributed: int


class StrangeExploration(Answer):
    """An exploration with anomalous hops, and where its fact stands in the journal.

    It is the newest such of its question and wrong concept, of `times` in the period.
    """

    event_id: str
    position: int
    started_at: datetime
    times: int


class StrangeExplorations(Answer):
    """The newest explorations with anomalous hops, the newest first, and how many there are.

    `judged` counts the explorations that had a threshold to judge their paths by.
    """

    newest: tuple[StrangeExploration, ...]
    strange: int
    judged: int


class Choices(BaseModel):
    """What one may narrow questions to: models by falling calls, concepts by falling mentions."""

    models: tuple[str, ...]
    concepts: tuple[str, ...]
