"""Framework-free capture: open runs become facts, with the context they ran in."""

from examsgraph_callbacks.capture.clock import Clock
from examsgraph_callbacks.capture.content import plain, recorded_document
from examsgraph_callbacks.capture.context import tutoring
from examsgraph_callbacks.capture.exploration import ExplorationRecord, publish_exploration
from examsgraph_callbacks.capture.guard import guarded
from examsgraph_callbacks.capture.open_runs import OpenRun
from examsgraph_callbacks.capture.recorder import Recorder
from examsgraph_callbacks.capture.usage import Usage, usage_from_langchain, usage_from_openai

__all__ = [
    "Clock",
    "ExplorationRecord",
    "OpenRun",
    "Recorder",
    "Usage",
    "guarded",
    "plain",
    "publish_exploration",
    "recorded_document",
    "tutoring",
    "usage_from_langchain",
    "usage_from_openai",
]
