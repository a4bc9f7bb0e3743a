"""Costs, routing and graph paths of LangChain and LlamaIndex applications, recorded as facts."""

from examsgraph_callbacks.capture import tutoring
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.settings import Settings

__all__ = ["Journal", "Settings", "tutoring"]
