"""Questions asked of the journal: what calls cost, how they were routed, what learners understood."""

from examsgraph_callbacks.analytics.calls import (
    CallError,
    CallGroup,
    CallReport,
    EmbeddingGroup,
    Misroute,
    StatedCost,
    UserCost,
)
from examsgraph_callbacks.analytics.explorations import (
    INEFFICIENT_DEPTH,
    DeadEnd,
    ExplorationReport,
    Hub,
    StrayPath,
    StrayRate,
)
from examsgraph_callbacks.analytics.feedback import FailedConcept, FeedbackReport, is_failure, own_concept
from examsgraph_callbacks.analytics.figures import CallFigures, Cost
from examsgraph_callbacks.analytics.lookup import find_exploration
from examsgraph_callbacks.analytics.remedies import FEW_SCORES, RemediedConcept, Understanding
from examsgraph_callbacks.analytics.report import Report, report

__all__ = [
    "FEW_SCORES",
    "INEFFICIENT_DEPTH",
    "CallError",
    "CallFigures",
    "CallGroup",
    "CallReport",
    "Cost",
    "DeadEnd",
    "EmbeddingGroup",
    "ExplorationReport",
    "FailedConcept",
    "FeedbackReport",
    "Hub",
    "Misroute",
    "RemediedConcept",
    "Report",
    "StatedCost",
    "StrayPath",
    "StrayRate",
    "Understanding",
    "UserCost",
    "find_exploration",
    "is_failure",
    "own_concept",
    "report",
]
