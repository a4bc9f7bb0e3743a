"""The command line: one verb a line, each a thin call into a room; one file a group of verbs."""

from examsgraph_callbacks.cli.alerts import alerts
from examsgraph_callbacks.cli.concept import concept
from examsgraph_callbacks.cli.experiment import experiment
from examsgraph_callbacks.cli.lake import add_to
from examsgraph_callbacks.cli.learner import export, forget
from examsgraph_callbacks.cli.path import path
from examsgraph_callbacks.cli.recording import recording, replay
from examsgraph_callbacks.cli.report import add_to as add_report
from examsgraph_callbacks.cli.serve import serve
from examsgraph_callbacks.cli.verbs import app

__all__ = ["app", "export", "forget", "serve"]

app.command()(replay)
app.add_typer(recording)
add_report(app)
add_to(app)
app.add_typer(path)
app.add_typer(concept)
app.add_typer(experiment)
app.add_typer(alerts)
