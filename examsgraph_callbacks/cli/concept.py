"""`examsgraph concept`: what the team does for a concept that learners fail to understand."""

from enum import StrEnum
from typing import Annotated

import typer

from examsgraph_callbacks.cli.common import JournalOption, errors_in_one_line, new_group

__all__ = ["concept"]

concept = new_group("concept")


class Kind(StrEnum):
    """The kinds of resources, as the command line offers them."""

    explanation = "explanation"
    video = "video"
    image = "image"


# without it a group of one verb would take that verb's place
@concept.callback()
def of_concepts() -> None:
    """Help learners to understand a concept of the graph.

    \b
    Example:
        examsgraph concept add-resource 정규화 --kind video --url https://youtu.be/…
    """  # noqa: D301


@concept.command("add-resource")
def add_resource(
    *,
    name: Annotated[str, typer.Argument(help="The concept, as the graph spells it.")],
    kind: Annotated[Kind, typer.Option(help="What it is.")],
    url: Annotated[str, typer.Option(help="Where it is, on the web.")],
    title: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    label: Annotated[str, typer.Option(help="The label of the graph's concepts.")] = "Concept",
    name_property: Annotated[str, typer.Option(help="The property that holds their names.")] = "name",
    database: Annotated[str | None, typer.Option(help="The database, else the user's own.")] = None,
    journal: JournalOption = None,
) -> None:
    """Link an explanation, a video or an image to a concept in Neo4j.

    The graph path retriever returns it with the concept from then on, and the report compares how well
    the concept was understood before and after. Adding it again changes only its kind and title.

    \b
    NEO4J_URI        the server, for example neo4j://localhost:7687
    NEO4J_USERNAME   else neo4j
    NEO4J_PASSWORD   else none

    \b
    Example:
        examsgraph concept add-resource 정규화 --kind video --url https://youtu.be/… --title "정규화 10분"
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import ConceptPlace, Screen, add_concept_resource
        from examsgraph_callbacks.journal import Journal

        place = ConceptPlace(label=label, name_property=name_property, database=database)
        add_concept_resource(
            Journal(journal), Screen(), name, kind=kind.value, url=url, title=title, place=place
        )
