"""The product's memory: a directory of append-only JSON-lines segments, one per process."""

from examsgraph_callbacks.journal.journal import Journal
from examsgraph_callbacks.journal.reader import Problem, read_segment

__all__ = ["Journal", "Problem", "read_segment"]
