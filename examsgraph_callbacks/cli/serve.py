"""`examsgraph serve`: the HTTP API."""

from typing import Annotated

import typer

from examsgraph_callbacks.cli.common import JournalOption, errors_in_one_line
from examsgraph_callbacks.cli.verbs import app

__all__ = ["serve"]


@app.command()
def serve(
    *,
    journal: JournalOption = None,
    host: Annotated[
        str | None, typer.Option(help="The address to listen at; else EXAMSGRAPH_API_HOST, else 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="The port; else EXAMSGRAPH_API_PORT, else 8000.", min=0, max=65535)
    ] = None,
) -> None:
    """Serve the HTTP API, and the dashboard at /: what was reported, and what it amounts to.

    The dashboard shows cost against income, routing, latency, failed concepts, strange paths, experiments
    and incidents, live; it asks for a token where tokens are set.

    A report is acknowledged once its fact is on disk. /openapi.json describes it all; /health and
    /metrics are for whoever watches the server. Needs the extra [server].

    \b
    EXAMSGRAPH_API_TOKENS               write:TOKEN,read:TOKEN, or TOKEN for both; else only this machine
    EXAMSGRAPH_API_REQUESTS_PER_SECOND  of each client, else 2000
    EXAMSGRAPH_API_BODY_LIMIT           bytes, else 1000000
    EXAMSGRAPH_EXPERIMENTS              a TOML file of the prompt experiments that it hands out
    EXAMSGRAPH_API_FSYNC                1 acknowledges what survives a power cut too

    \b
    Examples:
        examsgraph serve
        EXAMSGRAPH_API_TOKENS=write:s3cret,read:t0ken examsgraph serve --host 0.0.0.0
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen
        from examsgraph_callbacks.journal import Journal
        from examsgraph_callbacks.server import Service
        from examsgraph_callbacks.server import serve as run

        run(Service(Journal(journal)), host, port, Screen().say)
