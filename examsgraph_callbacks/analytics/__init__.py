"""Questions asked of the journal: what calls cost, how they were routed, what learners understood."""

from examsgraph_callbacks.analytics.calls import (
    CallError,
    CallGroup,
    CallReport,
    EmbeddingGroup,
    Misroute,
    UserCost,
)
from examsgraph_callbacks.analytics.explorations import (
    INEFFICIENT_DEPTH,
    ExplorationReport,
    StrayPath,
)
from examsgraph_callbacks.analytics.feedback import FailedConcept, FeedbackReport, is_failure, own_concept
from examsgraph_callbacks.analytics.figures import CallFigures, Cost
from examsgraph_callbacks.analytics.report import Report, report

__all__ = [
    "INEFFICIENT_DEPTH",
    "CallError",
    "CallFigures",
    "CallGroup",
    "CallReport",
    "Cost",
    "EmbeddingGroup",
    "ExplorationReport",
    "FailedConcept",
    "FeedbackReport",
    "Misroute",
    "Report",
    "StrayPath",
    "UserCost",
    "is_failure",
    "own_concept",
    "report",
]
