"""A resource, added to a concept as a person asks for it: in Neo4j, in the journal, and told."""

import logging
import os
from dataclasses import dataclass

from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import ResourceKind
from examsgraph_callbacks.graph import add_resource, connect
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.tracker import Tracker

__all__ = ["ConceptPlace", "add_concept_resource"]


@dataclass(frozen=True, slots=True)
class ConceptPlace:
    """Where a graph keeps its concepts."""

    label: str = "Concept"
    name_property: str = "name"
    database: str | None = None


def add_concept_resource(
    journal: Journal,
    screen: Screen,
    concept: str,
    *,
    kind: ResourceKind,
    url: str,
    title: str | None,
    place: ConceptPlace,
) -> None:
    """Link the resource to the concept at `NEO4J_URI`; where it is new there, the journal says so too.

    Raises `InvalidInputError` where no server is named, and what `add_resource` raises.
    """
    uri = os.environ.get("NEO4J_URI")
    if not uri:
        raise InvalidInputError(
            "expected the address of a Neo4j server in NEO4J_URI, got none: set it, for example to "
            "neo4j://localhost:7687, and NEO4J_USERNAME and NEO4J_PASSWORD with it",
        )
    # a label that is not there is told below, and with the fix
    logging.getLogger("neo4j.notifications").setLevel(logging.ERROR)
    user, password = os.environ.get("NEO4J_USERNAME", "neo4j"), os.environ.get("NEO4J_PASSWORD")
    with connect(uri, user, password) as driver:
        added = add_resource(
            driver,
            concept,
            kind,
            url,
            title,
            label=place.label,
            name_property=place.name_property,
            database=place.database,
        )
    called = f"{added.title} ({added.url})" if added.title else added.url
    if not added.is_new:
        screen.say(f"{concept} has it since {added.added_at:%Y-%m-%d %H:%M} UTC: {added.kind} {called}")
        return
    Tracker(journal).log_concept_resource(concept=concept, kind=kind, url=added.url, title=added.title)
    screen.say(f"{concept} has a new {added.kind}: {called}")
    screen.say("The report compares its understanding before and after:")
    screen.command(f"examsgraph report --journal {journal.path}")
