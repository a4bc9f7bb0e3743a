"""`python -m examsgraph_callbacks` is `examsgraph`."""

from examsgraph_callbacks.cli import app

app(prog_name="examsgraph")
