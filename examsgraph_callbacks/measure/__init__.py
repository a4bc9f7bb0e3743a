"""Pure functions from facts to figures: tokens, cost, routing, and verdicts on a path."""

from examsgraph_callbacks.lazy import lazy_names
from examsgraph_callbacks.measure.calls import (
    STATED_TOLERANCE,
    MeasuredCall,
    MeasuredEmbedding,
    Meter,
    Route,
)
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from examsgraph_callbacks.measure.assumptions import Assumptions
    from examsgraph_callbacks.measure.batches import CallGroup, CallPair, MeasuredBatch
    from examsgraph_callbacks.measure.bulk import measure_columns
    from examsgraph_callbacks.measure.columns import (
        CALL_COLUMNS,
        FIGURE_COLUMNS,
        columns_of_calls,
        columns_of_fields,
    )

__all__ = [
    "CALL_COLUMNS",
    "FIGURE_COLUMNS",
    "STATED_TOLERANCE",
    "AnomalousHop",
    "Assumptions",
    "CallGroup",
    "CallPair",
    "MeasuredBatch",
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
    "columns_of_calls",
    "columns_of_fields",
    "configured_meter",
    "count_tokens",
    "dead_ends",
    "document_tokens",
    "estimate_input_tokens",
    "estimate_output_tokens",
    "frontiers",
    "load_policy",
    "load_prices",
    "measure_columns",
    "measure_path",
    "model_family",
    "request_length",
]

# columns take numpy and pyarrow, which whoever measures call by call does not need
__getattr__ = lazy_names(
    __name__,
    {
        "Assumptions": "assumptions",
        **dict.fromkeys(["CallGroup", "CallPair", "MeasuredBatch"], "batches"),
        "measure_columns": "bulk",
        **dict.fromkeys(
            ["CALL_COLUMNS", "FIGURE_COLUMNS", "columns_of_calls", "columns_of_fields"], "columns"
        ),
    },
)
