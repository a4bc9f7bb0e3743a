"""The series by name: what each counts, by which labels, and how many values of a label it tells apart."""

from decimal import Decimal
from typing import Literal, NamedTuple

__all__ = ["HISTOGRAMS", "LIMITS", "OTHER", "SERIES", "UNKNOWN", "Kind", "Number", "Sample", "Series"]

Kind = Literal["counter", "histogram", "summary"]
Number = int | float | Decimal

OTHER = "other"
"""Stands for each value of a label beyond those that are told apart."""

UNKNOWN = "unknown"
"""Stands for a value that no fact tells."""

LIMITS = {
    "kind": 2,
    "status": 4,
    "direction": 2,
    "feedback_type": 3,
    "model": 30,
    "task_type": 30,
    "error_type": 30,
    "experiment": 30,
    "variant": 30,
    "concept": 1000,
}
"""How many values of a label are told apart, those that came first. There is no label for a user."""


class Series(NamedTuple):
    """A metric: its name without a suffix, what it counts, and its labels."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()


class Sample(NamedTuple):
    """The value of a series for some labels.

    `values` are the count of a counter; the counts by bucket and the sum of a histogram, a bucket for what
    is beyond the last bound before the sum; the count and the sum of a summary.
    """

    labels: tuple[str, ...]
    values: tuple[Number, ...]


_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)
_HOPS = (1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0)

HISTOGRAMS: dict[str, tuple[float, ...]] = {
    "examsgraph_call_latency_seconds": _SECONDS,
    "examsgraph_time_to_first_token_seconds": _SECONDS,
    "examsgraph_path_length_hops": _HOPS,
    "examsgraph_exploration_depth_hops": _HOPS,
}
"""The upper bounds of each histogram's buckets, in its unit, the last of which is infinite and not named."""

_SERIES = (
    Series(
        "examsgraph_calls",
        "counter",
        "Calls of models, by kind (llm, embedding) and status.",
        ("kind", "model", "task_type", "status"),
    ),
    Series(
        "examsgraph_tokens",
        "counter",
        "Tokens that models processed, reported or estimated, by direction (input, output).",
        ("model", "direction"),
    ),
    Series(
        "examsgraph_cost_usd",
        "counter",
        "Cost of calls, in USD; calls without a price are not in it.",
        ("model", "task_type"),
    ),
    Series(
        "examsgraph_unpriced_calls",
        "counter",
        "Calls whose cost is not known, failed ones aside.",
        ("model",),
    ),
    Series("examsgraph_errors", "counter", "Calls that failed.", ("model", "error_type")),
    Series(
        "examsgraph_routed_calls",
        "counter",
        "LLM calls that the routing policy judges.",
        ("model", "task_type"),
    ),
    Series(
        "examsgraph_misroutes",
        "counter",
        "LLM calls that went to a model that their task may not use.",
        ("model", "task_type"),
    ),
    Series(
        "examsgraph_call_latency_seconds",
        "histogram",
        "Time of an LLM call, in seconds; cache hits are not in it.",
        ("model",),
    ),
    Series(
        "examsgraph_time_to_first_token_seconds",
        "histogram",
        "Time until the first token of a streamed answer, in seconds.",
        ("model",),
    ),
    Series("examsgraph_explorations", "counter", "Explorations of the graph.", ("status",)),
    Series(
        "examsgraph_path_length_hops",
        "histogram",
        "Hops that an exploration followed.",
    ),
    Series(
        "examsgraph_exploration_depth_hops",
        "histogram",
        "The deepest level of an exploration, in hops from its beginning.",
    ),
    Series(
        "examsgraph_path_hops",
        "counter",
        "Hops that were followed under a similarity threshold, by the concept that was missed.",
        ("concept",),
    ),
    Series(
        "examsgraph_stray_hops",
        "counter",
        "Hops that were followed below the similarity threshold, by the concept that was missed.",
        ("concept",),
    ),
    Series("examsgraph_feedback", "counter", "What learners said of explanations.", ("feedback_type",)),
    Series(
        "examsgraph_understanding_score",
        "summary",
        "How well learners understood a concept, from 1 to 5.",
        ("concept",),
    ),
    Series(
        "examsgraph_poor_understanding",
        "counter",
        "Times that a concept was understood at 2 or less.",
        ("concept",),
    ),
    Series(
        "examsgraph_prompt_exposures",
        "counter",
        "Learners who were given a prompt of an experiment.",
        ("experiment", "variant"),
    ),
    Series("examsgraph_prompt_calls", "counter", "LLM calls under a prompt variant.", ("variant",)),
    Series("examsgraph_prompt_cost_usd", "counter", "Cost of these calls, in USD.", ("variant",)),
    Series(
        "examsgraph_prompt_response_length_characters",
        "summary",
        "Length of the answers that were compared, in characters.",
        ("variant",),
    ),
    Series(
        "examsgraph_prompt_score", "summary", "Scores that people or judges gave to answers.", ("variant",)
    ),
    Series(
        "examsgraph_prompt_understanding_score",
        "summary",
        "How well learners understood under a prompt variant, from 1 to 5.",
        ("variant",),
    ),
)

SERIES: dict[str, Series] = {each.name: each for each in _SERIES}
"""All that is counted, by name."""
