"""What the explorer asks of a graph, whatever holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from examsgraph_callbacks.events import Seed

__all__ = ["Candidate", "FollowedDirection", "GraphBackend"]

FollowedDirection = Literal["both", "out", "in"]
"""Which relations a backend looks along: those that point away from a concept, those that point to it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One relation of a concept on the frontier, scored and not yet judged.

    `similarity_score` compares the query with `next_node`, `edge_similarity` compares `node` with
    `next_node`; both are (1 + cos) / 2, as Neo4j's are. The relation points from `node` to `next_node`
    where `direction` is `out`, else the other way.
    """

    node: str
    relation: str
    next_node: str
    similarity_score: float
    edge_similarity: float
    direction: Literal["out", "in"] = "out"


@runtime_checkable
class GraphBackend(Protocol):
    """A graph of concepts, each with a name, a text and an embedding.

    A name identifies its concept. Every method that asks the graph does so in one round trip, and
    scores on the scale (1 + cos) / 2. Each raises `InvalidInputError` where the query's dimension is
    not the graph's, and `GraphUnavailableError` where the graph cannot be asked.
    """

    def nearest(self, query_vector: Sequence[float], count: int) -> Sequence[Seed]:
        """The `count` concepts most similar to the query, chosen as `best_seeds` does."""

    def named(self, query_vector: Sequence[float], names: Sequence[str]) -> Sequence[Seed]:
        """Those of the named concepts that the graph holds, in any order."""

    def neighbours(self, query_vector: Sequence[float], frontier: Sequence[str]) -> Sequence[Candidate]:
        """Every relation from a concept of the frontier to a concept that has an embedding."""

    def texts(self, names: Sequence[str]) -> Mapping[str, str]:
        """The named concepts' texts, by name; "" where a concept has none."""

    def describe(self) -> str:
        """Which graph this is, in a few words for the record; asks no server."""
