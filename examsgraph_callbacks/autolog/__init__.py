"""Everything recorded, nothing changed: `autolog()` in a process, `examsgraph run` around one."""

from examsgraph_callbacks.autolog.switch import autolog

__all__ = ["autolog"]
