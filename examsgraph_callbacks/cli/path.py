"""`examsgraph path`: look at one exploration, and at what other bounds would have made of it."""

from pathlib import Path
from typing import Annotated

import typer

from examsgraph_callbacks.cli.common import JournalOption, errors_in_one_line, new_group

__all__ = ["path"]

path = new_group("path")

ExplorationArgument = Annotated[
    str | None,
    typer.Argument(help="The exploration's event_id, or how it begins.", show_default=False),
]
LastOption = Annotated[bool, typer.Option("--last", help="The last exploration of the journal.")]
QuestionOption = Annotated[
    str | None, typer.Option(help="The last exploration of this question, for example q_001.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON to standard output and nothing else.")]


@path.callback()
def of_paths() -> None:
    """Look at a path; ask what other bounds would follow.

    \b
    Examples:
        examsgraph path show --last
        examsgraph path what-if --similarity-threshold 0.8
    """  # noqa: D301


@path.command()
def show(
    *,
    exploration: ExplorationArgument = None,
    last: LastOption = False,
    question: QuestionOption = None,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Show the hops that were not followed, with their verdicts.")
    ] = False,
    svg: Annotated[Path | None, typer.Option(help="Write the picture into this file.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the page with the threshold slider into this file.")
    ] = None,
    json: JsonOption = False,
    journal: JournalOption = None,
) -> None:
    """Show the path of one exploration: which hops were followed, with which scores, and which are strange.

    \b
    Examples:
        examsgraph path show --last
        examsgraph path show --question q_001 --rejected
        examsgraph path show 3fa2b1c8 --svg path.svg --html path.html
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import PathFiles, Screen, Wanted, show_path
        from examsgraph_callbacks.journal import Journal

        wanted = Wanted(exploration, last=last, question_id=question)
        files = PathFiles(svg=svg, html=html)
        show_path(Journal(journal), Screen(), wanted, files, show_rejected=rejected, as_json=json)


@path.command("what-if")
def what_if(
    *,
    exploration: ExplorationArgument = None,
    last: LastOption = False,
    question: QuestionOption = None,
    similarity_threshold: Annotated[
        float | None, typer.Option(help="Follow no hop that scores below this (0 to 1).")
    ] = None,
    depth: Annotated[int | None, typer.Option(help="Levels.")] = None,
    max_hops: Annotated[int | None, typer.Option(help="Followed hops in all.")] = None,
    beam_width: Annotated[int | None, typer.Option(help="Followed hops on one level.")] = None,
    fan_out: Annotated[int | None, typer.Option(help="Hops of one concept that get into a level.")] = None,
    json: JsonOption = False,
    journal: JournalOption = None,
) -> None:
    """Say what other bounds would have cut or added: in one exploration, or summed up over the journal.

    Explores again from what was recorded, and asks no server. An answer is exact where every concept
    that it comes to had its relations looked at then; where it is not, it says what a new run would
    have to look at.

    \b
    Examples:
        examsgraph path what-if --similarity-threshold 0.8
        examsgraph path what-if --question q_001 --similarity-threshold 0.65 --depth 2
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, Wanted, show_what_if
        from examsgraph_callbacks.events import RetrievalParams
        from examsgraph_callbacks.journal import Journal

        changes = RetrievalParams(
            similarity_threshold=similarity_threshold,
            depth=depth,
            max_hops=max_hops,
            beam_width=beam_width,
            fan_out=fan_out,
        )
        wanted = Wanted(exploration, last=last, question_id=question)
        show_what_if(Journal(journal), Screen(), wanted, changes, as_json=json)
