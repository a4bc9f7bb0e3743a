"""What the analytics answer: one frozen value a question, in the shape in which the HTTP API hands it out."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "Answer",
    "AverageCost",
    "CacheSavings",
    "ConceptUnderstanding",
    "CostByHour",
    "FailedConceptCount",
    "HourCost",
    "Margin",
    "MarginVerdict",
    "ModelFigures",
    "Overview",
    "PathQuality",
    "Performance",
    "Period",
    "PromptVariants",
    "RelationQuality",
    "RouteFigures",
    "Routing",
    "TopFailedConcepts",
    "UnderstandingByConcept",
    "VariantFigures",
]


class Answer(BaseModel):
    """A value that never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Period(Answer):
    """From `since` (UTC) until before `until` (UTC); None leaves that end open."""

    since: datetime | None = None
    until: datetime | None = None


class FailedConceptCount(Answer):
    """A concept and how many feedbacks on it were failures."""

    concept: str
    failure_count: int


class TopFailedConcepts(Answer):
    """The concepts whose explanations failed most, by falling count, ties by name.

    `unattributed` counts the failures whose concept nothing tells.
    """

    concepts: tuple[FailedConceptCount, ...]
    unattributed: int


class AverageCost(Answer):
    """What a learner costs in a calendar month of the configured zone, on average.

    Of one user: over the months in which the user made calls. Over all (`user_id` None): over every user
    and month in which that user made calls; `months` counts these. Months without a call that has a price
    are in no average, calls of nobody in no figure. `average_cost_usd` is None where no call has a price.
    `unpriced_share` and `estimated_share` are shares of calls, 0 to 1; None where there are no calls.
    """

    user_id: str | None
    average_cost_usd: Decimal | None
    average_cost_krw: Decimal | None
    users: int
    months: int
    calls: int
    unpriced_share: float | None
    estimated_share: float | None


MarginVerdict = Literal["sustainable", "unsustainable", "not enough data"]


class Margin(Answer):
    """The subscription's price against what a learner costs in a month.

    `margin_krw` is price less average cost, `margin_share` its part of the price. `losing_share` is the
    share of users and months that cost more than they paid. `sustainable` while the margin is above 0.
    """

    subscription_krw: Decimal
    average_cost_usd: Decimal | None
    average_cost_krw: Decimal | None
    margin_krw: Decimal | None
    margin_share: float | None
    users: int
    losing_share: float | None
    unpriced_share: float | None
    verdict: MarginVerdict


class HourCost(Answer):
    """One hour's calls, beginning at `hour` (the configured zone, with its offset), of one model."""

    hour: datetime
    model: str | None
    calls: int
    cost_usd: Decimal | None
    unpriced_calls: int
    total_tokens: int | None


class CostByHour(Answer):
    """Cost by hour and served model, in order of time; hours without a call are left out."""

    hours: tuple[HourCost, ...]
    time_zone: str


class RouteFigures(Answer):
    """The calls of one task type that one model served.

    `misroute_extra_usd` is what the misrouted ones cost beyond what the same tokens cost at the allowed
    model: of those of which both prices are known, None where that is none.
    `understanding` (1 to 5) and `satisfaction` (0 to 1) are means of the feedback on those turns, and
    `scores` how many scores the former rests on. `qualities` counts what callers said of the answers.
    """

    task_type: str | None
    requested_model: str | None
    served_model: str | None
    calls: int
    cost_usd: Decimal | None
    unpriced_calls: int
    misroutes: int | None
    misroute_extra_usd: Decimal | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    understanding: float | None
    satisfaction: float | None
    scores: int
    qualities: dict[str, int]


class Routing(Answer):
    """Every route: task type by requested and served model."""

    routes: tuple[RouteFigures, ...]


class ConceptUnderstanding(Answer):
    """How well one concept was understood: the mean of its scores (1 to 5); `enough` from 5 scores on."""

    concept: str
    scores: int
    understanding: float
    failures: int
    enough: bool


class UnderstandingByConcept(Answer):
    """The concepts by rising understanding, those with enough scores first."""

    concepts: tuple[ConceptUnderstanding, ...]
    unattributed: int


class RelationQuality(Answer):
    """How often followed hops of one relation type were anomalous, `anomalous_share` from 0 to 1."""

    relation: str
    hops: int
    anomalous: int
    anomalous_share: float


class PathQuality(Answer):
    """The explorations: how long, how deep, how often astray.

    `deep` counts those that are 5 levels deep or more, which the product's document calls inefficient.
    `anomalous_share` is of the followed hops that could be judged; explorations that failed are in no figure.
    """

    explorations: int
    average_path_length: float | None
    average_depth: float | None
    deep: int
    anomalous_share: float | None
    dead_ends: int
    relations: tuple[RelationQuality, ...]
    first_day: date | None
    last_day: date | None


class ModelFigures(Answer):
    """How the calls of one model went.

    `failed` ended with an error or in the midst of the answer; `retried` are those of them after which
    the same turn asked the same model again. Times (ms) are of calls that were answered in full, those to
    the first token of the streamed ones among them; percentiles are by nearest rank, less than 1 ms above
    it where several calls took the same whole milliseconds. `cached_share` is the part of the input that
    the provider read from its cache; None where it reported none of that.
    """

    model: str | None
    calls: int
    failed: int
    retried: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    time_to_first_token_p50_ms: float | None
    time_to_first_token_p95_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    cached_share: float | None


class CacheSavings(Answer):
    """What caches saved (USD): the provider's own, and that of the application, which was hit `hits` times.

    `cached_tokens` and `hit_tokens` are those of which a price is known that is one number a token; of
    `unpriced_tokens` it is not, so that the sums are lower bounds.
    """

    cached_tokens: int
    provider_usd: Decimal
    hits: int
    hit_tokens: int
    hits_usd: Decimal
    unpriced_tokens: int


class Performance(Answer):
    """Every model that answers: how fast, how reliably; and what was saved."""

    models: tuple[ModelFigures, ...]
    savings: CacheSavings


class VariantFigures(Answer):
    """What one prompt variant took and how it was received; means of the feedback on its turns."""

    variant: str
    calls: int
    turns: int
    cost_usd: Decimal | None
    unpriced_calls: int
    average_output_tokens: float | None
    latency_p50_ms: float | None
    understanding: float | None
    satisfaction: float | None
    scores: int


class PromptVariants(Answer):
    """The prompt variants in the order of their names."""

    variants: tuple[VariantFigures, ...]


class Overview(Answer):
    """Every answer, of one moment; of one user, or about one concept, where these are named."""

    period: Period
    user_id: str | None
    concept: str | None
    generated_at: datetime
    top_failed_concepts: TopFailedConcepts
    average_cost: AverageCost
    margin: Margin
    cost_by_hour: CostByHour
    routing: Routing
    performance: Performance
    understanding_by_concept: UnderstandingByConcept
    path_quality: PathQuality
    prompt_variants: PromptVariants
