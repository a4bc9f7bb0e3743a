"""Pure functions from facts to figures: tokens, cost, routing, and verdicts on a path."""

from examsgraph_callbacks.measure.calls import MeasuredCall, MeasuredEmbedding, Meter, Route
from examsgraph_callbacks.measure.configured import configured_meter
from examsgraph_callbacks.measure.documents import document_tokens
from examsgraph_callbacks.measure.lengths import answer_length, request_length
from examsgraph_callbacks.measure.overrides import PriceOverride, load_prices
from examsgraph_callbacks.measure.paths import (
    AnomalousHop,
    MeasuredPath,
    dead_ends,
    frontiers,
    measure_path,
)
from examsgraph_callbacks.measure.price import Price, PriceList
from examsgraph_callbacks.measure.routing import RoutingPolicy, load_policy, model_family
from examsgraph_callbacks.measure.tokens import (
    TokenCounts,
    count_tokens,
    estimate_input_tokens,
    estimate_output_tokens,
)

__all__ = [
    "AnomalousHop",
    "MeasuredCall",
    "MeasuredEmbedding",
    "MeasuredPath",
    "Meter",
    "Price",
    "PriceList",
    "PriceOverride",
    "Route",
    "RoutingPolicy",
    "TokenCounts",
    "answer_length",
    "configured_meter",
    "count_tokens",
    "dead_ends",
    "document_tokens",
    "estimate_input_tokens",
    "estimate_output_tokens",
    "frontiers",
    "load_policy",
    "load_prices",
    "measure_path",
    "model_family",
    "request_length",
]
