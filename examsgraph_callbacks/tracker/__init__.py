"""What the application itself has to tell, which no callback can see: reactions, paths, prompts, costs."""

from typing import TYPE_CHECKING

from examsgraph_callbacks.tracker.problems import Problem, first_problem
from examsgraph_callbacks.tracker.recording import AnyReport
from examsgraph_callbacks.tracker.reports import (
    ConceptResourceReport,
    CostReport,
    ExplorationReport,
    FeedbackReport,
    PromptReport,
)
from examsgraph_callbacks.tracker.tracker import Tracker

if TYPE_CHECKING:
    mlflow_tracker: Tracker

__all__ = [
    "AnyReport",
    "ConceptResourceReport",
    "CostReport",
    "ExplorationReport",
    "FeedbackReport",
    "Problem",
    "PromptReport",
    "Tracker",
    "first_problem",
    "mlflow_tracker",
]


def __getattr__(name: str) -> object:
    """The tracker of the configured journal, made when it is first asked for."""
    if name != "mlflow_tracker":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    tracker = globals()["mlflow_tracker"] = Tracker()
    return tracker
