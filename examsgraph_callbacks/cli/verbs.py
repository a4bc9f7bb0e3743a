"""The verbs that stand alone: demo, run, ship."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from examsgraph_callbacks.cli.common import (
    JournalOption,
    PolicyOption,
    PricesOption,
    TrackingUriOption,
    errors_in_one_line,
    new_group,
)

if TYPE_CHECKING:
    from examsgraph_callbacks.console import Screen
    from examsgraph_callbacks.journal import Journal
    from examsgraph_callbacks.measure import Meter

# everything else is imported by the verb that needs it, so that --help is there at once

__all__ = ["app"]

app = new_group("examsgraph")


@app.callback(invoke_without_command=True)
def examsgraph(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """What each LLM call of a GraphRAG tutor cost, whether it was routed right, and which way its graph
    retriever took.

    A chain with an ExamsGraphCallbackHandler writes facts to a journal, a directory. These commands
    sum a journal up and ship it to MLflow. To see it all at work, with no key and no server:

    \b
        examsgraph demo
    """  # noqa: D205, D301
    if version:
        typer.echo(f"examsgraph {_version()}")
        raise typer.Exit


@app.command()
def demo(
    journal: JournalOption = None,
    pace: Annotated[
        float, typer.Option(min=0, help="Stretches the scripted models' pauses; 0 leaves them out.")
    ] = 1.0,
) -> None:
    """Teach a class of six: recorded, shipped to MLflow and summed up.

    A LangChain tutor explains exam questions that learners missed; they say whether they understood.

    Needs nothing: without a key the answers are scripted, without a server the concept graph is held
    in memory and MLflow's data goes to a file. It uses the real ones where these are set:

    \b
        OPENAI_API_KEY       asks gpt-4o and gpt-4o-mini (extra [openai]), for about 0.10 USD
        OPENAI_BASE_URL      at another address than OpenAI's
        NEO4J_URI            loads the graph into Neo4j and walks it there
        NEO4J_USERNAME       else neo4j
        NEO4J_PASSWORD       else none
        MLFLOW_TRACKING_URI  ships there, for example http://localhost:5000

    \b
    Example:
        NEO4J_URI=neo4j://localhost:7687 NEO4J_PASSWORD=secret examsgraph demo
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen
        from examsgraph_callbacks.demo import run_demo
        from examsgraph_callbacks.journal import Journal

        run_demo(Journal(journal), Screen(), pace)


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def run(
    application: Annotated[
        list[str],
        typer.Argument(help="A Python file, -m and a module, or a command on PATH, with its arguments."),
    ],
    journal: JournalOption = None,
    replay: Annotated[
        Path | None,
        typer.Option(help="A recording from which LangChain's chat models and graph retrievers answer."),
    ] = None,
) -> None:
    """Run an application recorded, with no line of it changed.

    All that LangChain, LlamaIndex and OpenAI's embeddings do in it is written to the journal: in every
    thread, and in every Python process that it starts. Arguments, input, output, signals and the exit
    code are the application's own.

    With --replay every LangChain chat model, every embedding call of OpenAI's client and every LangChain
    retriever that walked a graph answers as it was recorded; what was not recorded is an error that says
    what differs. All else stays live, and costs what it costs: LlamaIndex's models, clients that are called
    without LangChain, tools, other retrievers, databases. The facts go to ./.examsgraph/replay unless
    --journal names a place, and are not shipped. Clients still want a key to be made with: any will do.

    \b
    EXAMSGRAPH_CAPTURE_CONTENT   0 records figures and no content
    EXAMSGRAPH_USER_KEY          the secret under which users become pseudonyms
    EXAMSGRAPH_AUTOLOG           0 in a subprocess's environment leaves it out

    \b
    Examples:
        examsgraph run tutor.py --port 8000
        examsgraph run -m uvicorn tutor:app
        examsgraph run pytest tests
        examsgraph run --replay lesson.egrec.jsonl tutor.py
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.autolog.launch import run_application

        if replay is not None:
            from examsgraph_callbacks.replay import Player

            # told here, before the application has begun
            Player(replay)
        run_application(application, journal, replay=replay)


@app.command()
def ship(
    *,
    journal: JournalOption = None,
    tracking_uri: TrackingUriOption = None,
    flush: Annotated[
        bool,
        typer.Option("--flush", help="Ship turns that have not ended too, instead of waiting for them."),
    ] = False,
    following: Annotated[
        bool, typer.Option("--follow", help="Go on shipping what is written, until Ctrl-C or SIGTERM.")
    ] = False,
    status: Annotated[
        bool,
        typer.Option("--status", help="Ship nothing: show how far the journal is shipped, and to where."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --status: as JSON.")] = False,
    prices: PricesOption = None,
    policy: PolicyOption = None,
) -> None:
    """Ship what is new in a journal to MLflow, each turn exactly once.

    Turns become traces of the experiment ExamsGraph and their calls points of LLM_Cost, graph explorations
    runs of GraphRAG_Path_Tracing, feedback runs of User_Feedback, and comparisons of prompts runs of
    Prompt_Experimentation. Shipping again ships only what has come since; after a crash, or while MLflow
    is down, nothing is lost and nothing arrives twice. A fact that cannot be delivered is set aside beside
    the journal, in shipped/dead_letters.jsonl, and the others go on.

    A process that writes a journal has it shipped by itself, in a helper process, to MLFLOW_TRACKING_URI,
    else to mlflow.db beside the journal; this is for all other cases.

    Costs and misroutes are worked out when a turn is shipped; examsgraph report --help shows the files.

    \b
    EXAMSGRAPH_SHIP            process, thread, or off: what ships by itself
    EXAMSGRAPH_PRICES          the prices file, also of what ships by itself
    EXAMSGRAPH_POLICY          the policy file, likewise
    EXAMSGRAPH_SLACK_WEBHOOK   with --follow: alerts are sent too, see examsgraph alerts run --help

    \b
    Examples:
        examsgraph ship --tracking-uri http://localhost:5000
        examsgraph ship --follow
        examsgraph ship --status
        examsgraph ship --prices contract.toml --policy contract.toml
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, ship_with_progress, show_shipped
        from examsgraph_callbacks.journal import Journal
        from examsgraph_callbacks.measure import configured_meter

        opened, screen = Journal(journal), Screen()
        if status:
            _show_status(opened, screen, tracking_uri, as_json=as_json)
            return
        meter = configured_meter(prices, policy)
        if following:
            _follow(opened, screen, tracking_uri, meter)
            return
        shipped = ship_with_progress(opened, screen, tracking_uri, flush=flush, meter=meter)
        show_shipped(shipped, opened, screen, tracking_uri)


def _show_status(journal: "Journal", screen: "Screen", tracking_uri: str | None, *, as_json: bool) -> None:
    from examsgraph_callbacks.console import show_status, status_as_json
    from examsgraph_callbacks.deliver import shipping_status

    statuses = shipping_status(journal, tracking_uri)
    if as_json:
        screen.say(status_as_json(statuses))
    else:
        show_status(statuses, journal, screen)


def _follow(journal: "Journal", screen: "Screen", tracking_uri: str | None, meter: "Meter") -> None:
    from examsgraph_callbacks.background.detaching import stop_on_signals
    from examsgraph_callbacks.console import alerts_beside, follow_with_progress

    wait = stop_on_signals().wait
    with alerts_beside(journal, screen, wait, tracking_uri, meter=meter):
        follow_with_progress(journal, screen, wait, tracking_uri, meter=meter)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("examsgraph-callbacks")
    except PackageNotFoundError:
        return "(not installed)"
