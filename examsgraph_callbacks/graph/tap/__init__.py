"""The tap: listens to any retriever's Neo4j driver, and tells which paths its own queries took."""

from examsgraph_callbacks.graph.tap.heard_run import About, Options
from examsgraph_callbacks.graph.tap.recording import RecordedPaths, options_of, record_paths
from examsgraph_callbacks.graph.tap.retrievers import Retrievers

__all__ = ["About", "Options", "RecordedPaths", "Retrievers", "options_of", "record_paths"]
