"""Questions asked of the journal: what calls cost, how they were routed, what learners understood."""

from examsgraph_callbacks.analytics.analytics import ENOUGH_SCORES, Analytics
from examsgraph_callbacks.analytics.answers import (
    Answer,
    AverageCost,
    ConceptUnderstanding,
    CostByHour,
    FailedConceptCount,
    HourCost,
    Margin,
    PathQuality,
    Period,
    RelationQuality,
    RouteFigures,
    Routing,
    TopFailedConcepts,
    UnderstandingByConcept,
)
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
    "ENOUGH_SCORES",
    "FEW_SCORES",
    "INEFFICIENT_DEPTH",
    "Analytics",
    "Answer",
    "AverageCost",
    "CallError",
    "CallFigures",
    "CallGroup",
    "CallReport",
    "ConceptUnderstanding",
    "Cost",
    "CostByHour",
    "DeadEnd",
    "EmbeddingGroup",
    "ExplorationReport",
    "FailedConcept",
    "FailedConceptCount",
    "FeedbackReport",
    "HourCost",
    "Hub",
    "Margin",
    "Misroute",
    "PathQuality",
    "Period",
    "RelationQuality",
    "RemediedConcept",
    "Report",
    "RouteFigures",
    "Routing",
    "StatedCost",
    "StrayPath",
    "StrayRate",
    "TopFailedConcepts",
    "Understanding",
    "UnderstandingByConcept",
    "UserCost",
    "find_exploration",
    "is_failure",
    "own_concept",
    "report",
]
