"""Links what helps to understand a concept (an explanation, a video, an image) to it in Neo4j."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import ResourceKind
from examsgraph_callbacks.graph.asking import ask
from examsgraph_callbacks.graph.cypher import quoted

if TYPE_CHECKING:
    from neo4j import Driver, Record

__all__ = ["AddedResource", "add_resource"]

_TIMEOUT_SECONDS = 30.0
_NAMES_SEARCHED = 50_000
_SUGGESTED = 3


@dataclass(frozen=True, slots=True)
class AddedResource:
    """A resource of a concept; `is_new` where the concept did not have it, `added_at` is UTC."""

    concept: str
    kind: ResourceKind
    url: str
    title: str | None
    added_at: datetime
    is_new: bool


def add_resource(
    driver: "Driver",
    concept: str,
    kind: ResourceKind,
    url: str,
    title: str | None = None,
    *,
    label: str = "Concept",
    name_property: str = "name",
    database: str | None = None,
    now: datetime | None = None,
) -> AddedResource:
    """Write `(:Resource {url, kind, title, added_at})` and `(concept)-[:HAS_RESOURCE]->` it.

    One resource a URL, which several concepts may have. Adding it again changes its kind and title to
    these and nothing else. `now` (the present) is when it is added.

    Raises `InvalidInputError` for a URL that is none of the web, and where no node with `label` has the
    name `concept`, with the names that are nearest to it; `GraphUnavailableError` where the server refuses.
    """
    address = _checked(url)
    _ask(
        driver,
        "CREATE CONSTRAINT IF NOT EXISTS FOR (resource:Resource) REQUIRE resource.url IS UNIQUE",
        database,
        fix="give the user the right to make constraints, or make this one unique: (:Resource {url})",
    )
    node, name = quoted(label), quoted(name_property)
    records = _ask(
        driver,
        f"""
        MATCH (concept:{node} {{{name}: $concept}})
        WITH concept LIMIT 1
        OPTIONAL MATCH (concept)-[known:HAS_RESOURCE]->(:Resource {{url: $url}})
        WITH concept, count(known) = 0 AS is_new
        MERGE (resource:Resource {{url: $url}})
        ON CREATE SET resource.added_at = $now
        SET resource.kind = $kind, resource.title = coalesce($title, resource.title)
        MERGE (concept)-[:HAS_RESOURCE]->(resource)
        RETURN is_new, resource.title AS title, resource.added_at AS added_at
        """,
        database,
        concept=concept,
        url=address,
        kind=kind,
        title=title,
        now=now or datetime.now(UTC),
    )
    if not records:
        raise InvalidInputError(_unknown(concept, label, _names(driver, node, name, database)))
    record = records[0]
    added_at: datetime = record["added_at"].to_native()
    if added_at.tzinfo is None:  # ArcadeDB keeps UTC and does not say so
        added_at = added_at.replace(tzinfo=UTC)
    return AddedResource(concept, kind, address, record["title"], added_at, record["is_new"])


def _checked(url: str) -> str:
    address = url.strip()
    try:
        parts = urlsplit(address)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_web = False
    # learners will be sent there
    if not is_web or any(character.isspace() for character in address):
        raise InvalidInputError(
            f"expected an address of the web, got {url!r}: begin it with https:// and leave no spaces in it",
        )
    return address


def _names(driver: "Driver", node: str, name: str, database: str | None) -> list[str]:
    records = _ask(
        driver,
        f"MATCH (concept:{node}) WHERE concept.{name} IS NOT NULL RETURN concept.{name} AS name LIMIT $limit",
        database,
        limit=_NAMES_SEARCHED,
    )
    return [str(record["name"]) for record in records]


def _unknown(concept: str, label: str, names: Sequence[str]) -> str:
    """The error for a concept that is not there, and what to do."""
    found = f"expected the name of a node with the label {label!r}, got {concept!r}, which none has"
    if not names:
        return f"{found}, as there are no such nodes: pass --label and --name-property as your graph has them"
    if near := _nearest(concept, names):
        return f"{found}: did you mean {' or '.join(map(repr, near))}?"
    return f"{found}: name a concept as the graph spells it, for example {min(names)!r}"


def _nearest(concept: str, names: Sequence[str]) -> list[str]:
    """The names most like it; compared letter by letter, as a Korean syllable is made of two or three."""
    spelled = {_letters(name): name for name in names}
    return [spelled[near] for near in get_close_matches(_letters(concept), spelled, _SUGGESTED, cutoff=0.6)]


def _letters(text: str) -> str:
    return unicodedata.normalize("NFD", text).casefold().replace(" ", "")


def _ask(
    driver: "Driver",
    statement: str,
    database: str | None,
    *,
    fix: str = "check the database, the label and the name property, and that the user may write",
    **parameters: Any,
) -> "list[Record]":
    return ask(
        driver,
        statement,
        parameters,
        database=database,
        timeout_seconds=_TIMEOUT_SECONDS,
        writes=True,
        fix=fix,
    ).records
