"""The command line: one verb a line, each a thin call into a room; one file a group of verbs."""

from examsgraph_callbacks.cli.concept import concept
from examsgraph_callbacks.cli.path import path
from examsgraph_callbacks.cli.recording import recording, replay
from examsgraph_callbacks.cli.verbs import app

__all__ = ["app"]

app.command()(replay)
app.add_typer(recording)
app.add_typer(path)
app.add_typer(concept)
