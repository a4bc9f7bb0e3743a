"""What has been seen of a graph in a retriever's records: plain values, and no more than fits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from examsgraph_callbacks.events import Direction
from examsgraph_callbacks.graph.tap.statements import SHORTEST_VECTOR

__all__ = ["RELATIONS_LIMIT", "Collected", "Link", "NodeKey", "SeenNode", "Step"]

RELATIONS_LIMIT = 500
"""Relations that are kept of one retriever run; a path of so many says nothing more to anyone."""

NAME_PROPERTIES = ("name", "title", "id")
"""The properties that name a node, the likeliest first; never one that could hold a whole text."""

_NAME_LIMIT = 200  # characters
_ELEMENT_ID = re.compile(r"\d+:[0-9a-f-]{36}:\d+")


class NodeKey(NamedTuple):
    """A node as a record tells of it: by its element id, or where it tells no more, by its name.

    Element ids differ from server to server: they serve to put a run's records together, and are not
    recorded.
    """

    element_id: str | None
    name: str | None


@dataclass(slots=True)
class SeenNode:
    """A node; `is_whole` is whether all its properties were seen, or only that it is there."""

    name: str | None
    embedding: list[float] | None
    is_whole: bool


class Step(NamedTuple):
    """A relation on a path that a query returned, `depth` hops from where the path begins."""

    node: NodeKey
    relation: str
    next_node: NodeKey
    direction: Direction
    depth: int


class Link(NamedTuple):
    """A relation that a query returned by itself: it points from `source` to `target`."""

    source: NodeKey
    relation: str
    target: NodeKey


@dataclass(slots=True)
class Collected:
    """The nodes and relations seen so far; what a relation is known by keeps it from counting twice.

    `seeds` have the score of the record that told of them, None where that compares no vectors.
    `starts` are where paths begin. `columns_of_text` tell of hops in words.
    """

    name_property: str | None = None
    dimension: int | None = None
    """How many numbers the query vector has; other lists of numbers are no embeddings, if it is known."""
    nodes: dict[NodeKey, SeenNode] = field(default_factory=dict)
    steps: dict[object, Step] = field(default_factory=dict)
    links: dict[object, Link] = field(default_factory=dict)
    seeds: dict[NodeKey, float | None] = field(default_factory=dict)
    starts: dict[NodeKey, None] = field(default_factory=dict)
    columns_of_text: set[str] = field(default_factory=set)
    has_unknown_directions: bool = False
    has_more: bool = False
    """Whether there were more relations than are kept."""

    def see(self, key: NodeKey, properties: Mapping[str, object], *, is_whole: bool) -> None:
        """A node was returned, with these of its properties."""
        seen = self.nodes.get(key)
        if seen is None:
            if len(self.nodes) >= 2 * RELATIONS_LIMIT + 2:
                return
            seen = self.nodes[key] = SeenNode(key.name, None, is_whole=False)
        if seen.is_whole:
            return
        seen.is_whole = is_whole
        seen.name = seen.name or self.name_in(properties)
        seen.embedding = seen.embedding or self.embedding_in(properties)

    def step(self, identity: object, step: Step) -> None:
        """A relation was returned on a path; the shortest way to it counts."""
        known = self.steps.get(identity)
        if (known is not None and known.depth > step.depth) or (known is None and self._has_room()):
            self.steps[identity] = step

    def link(self, identity: object, link: Link) -> None:
        """A relation was returned by itself."""
        if identity not in self.links and self._has_room():
            self.links[identity] = link

    def seed(self, key: NodeKey, score: float | None) -> None:
        """A query began at this node, as the score in its record says."""
        known = self.seeds.get(key)
        is_better = score is not None and (known is None or score > known)
        if is_better or (key not in self.seeds and len(self.seeds) < RELATIONS_LIMIT):
            self.seeds[key] = score

    def start(self, key: NodeKey) -> None:
        """A path begins at this node."""
        if len(self.starts) < RELATIONS_LIMIT:
            self.starts[key] = None

    def name_in(self, properties: Mapping[str, object]) -> str | None:
        """What the properties call their node; None where they do not."""
        names = NAME_PROPERTIES if self.name_property is None else (self.name_property, *NAME_PROPERTIES)
        for name in names:
            value = properties.get(name)
            if isinstance(value, (str, int)) and value != "":
                text = str(value)
                if _ELEMENT_ID.fullmatch(text) is None:
                    return text[:_NAME_LIMIT]
        return None

    def embedding_in(self, properties: Mapping[str, object]) -> list[float] | None:
        """The node's embedding, among its properties."""
        for value in properties.values():
            if not isinstance(value, list) or len(value) < SHORTEST_VECTOR or type(value[0]) is not float:
                continue
            if self.dimension is None or len(value) == self.dimension:
                return value
        return None

    def _has_room(self) -> bool:
        if len(self.steps) + len(self.links) < RELATIONS_LIMIT:
            return True
        self.has_more = True
        return False
