"""`examsgraph export` and `examsgraph forget`: one learner's data, handed over or erased."""

from pathlib import Path
from typing import Annotated

import typer

from examsgraph_callbacks.cli.common import JournalOption, TrackingUriOption, errors_in_one_line
from examsgraph_callbacks.cli.verbs import app

__all__ = ["export", "forget"]

UserOption = Annotated[str, typer.Option("--user", help="The learner's id, as the application knows it.")]


@app.command()
def export(
    *,
    user: UserOption,
    output: Annotated[
        Path | None, typer.Option(help="The file to write, for its owner's eyes; else standard output.")
    ] = None,
    journal: JournalOption = None,
) -> None:
    """Hand one learner's data over: every fact of theirs, a line of JSON each.

    Theirs are the facts that name them, and those of their turns and sessions that name nobody. Under
    EXAMSGRAPH_USER_KEY they are found by the id that the application knows.

    \b
    Example:
        examsgraph export --user user_001 --output user_001.jsonl
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, export_learner
        from examsgraph_callbacks.journal import Journal

        export_learner(Journal(journal), Screen(), user, output)


@app.command()
def forget(
    *,
    user: UserOption,
    journal: JournalOption = None,
    tracking_uri: TrackingUriOption = None,
    only_journal: Annotated[
        bool, typer.Option("--only-journal", help="Leave MLflow alone: nothing was shipped.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase one learner, for good: from MLflow, from the journal and from its compacted part.

    It says what it erased. Who writes to the journal meanwhile goes on and loses nothing. Of a journal
    that was shipped to several MLflows, forget once for each (--tracking-uri). An MLflow server keeps
    deleted runs, emptied, in its trash until its operator runs mlflow gc; in a database they are gone.

    \b
    Examples:
        examsgraph forget --user user_001
        examsgraph forget --user user_001 --tracking-uri http://localhost:5000 --yes
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, forget_learner
        from examsgraph_callbacks.journal import Journal

        def confirm(question: str) -> bool:
            return yes or typer.confirm(question)

        forget_learner(Journal(journal), Screen(), user, tracking_uri, confirm, in_mlflow=not only_journal)
