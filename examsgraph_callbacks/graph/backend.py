"""What the explorer asks of a graph, whatever holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from examsgraph_callbacks.events import FollowedDirection, SampledNode, Seed

__all__ = [
    "AsyncGraphBackend",
    "Candidate",
    "ConceptContent",
    "FollowedDirection",
    "GraphBackend",
    "GraphDescription",
    "Neighbourhood",
    "Resource",
]


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


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The relations of the concepts on a frontier, as far as they were looked at.

    `sampled` names the concepts that have more relations than `max_degree`; `unscored` counts the
    relations to concepts without an embedding, which are no candidates.
    """

    candidates: Sequence[Candidate]
    sampled: tuple[SampledNode, ...] = ()
    unscored: int = 0


@dataclass(frozen=True, slots=True)
class Resource:
    """What helps to understand a concept: `kind` is `explanation`, `video` or `image`."""

    kind: str
    url: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class ConceptContent:
    """A concept's text, "" where it has none, and its resources in the order of kind, title and URL."""

    text: str = ""
    resources: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphDescription:
    """Which graph this is and which of its relations are looked along, for the record.

    `backend` says it in a few words. `server` is product and version, None where there is no server or
    it has not answered yet; `relationship_types` None stands for all.
    """

    backend: str
    index_name: str | None = None
    server: str | None = None
    relationship_types: tuple[str, ...] | None = None
    direction: FollowedDirection = "both"


@runtime_checkable
class GraphBackend(Protocol):
    """A graph of concepts, each with a name, a text and an embedding.

    A name identifies its concept. Every method that asks the graph does so in one round trip, and
    scores on the scale (1 + cos) / 2. Each raises `InvalidInputError` where the query's dimension is
    not the graph's, and `GraphUnavailableError` where the graph cannot be asked or has no concepts.
    """

    def nearest(self, query_vector: Sequence[float], count: int) -> Sequence[Seed]:
        """The `count` concepts most similar to the query, chosen as `best_seeds` does."""

    def named(self, query_vector: Sequence[float], names: Sequence[str]) -> Sequence[Seed]:
        """Those of the named concepts that the graph holds with an embedding, in any order."""

    def neighbours(
        self, query_vector: Sequence[float], frontier: Sequence[str], max_degree: int
    ) -> Neighbourhood:
        """Every relation from a concept of the frontier to a concept.

        Of a concept with more than `max_degree` of them, only those to the `max_degree` concepts of
        the whole graph that are nearest to the query, chosen as `best_seeds` does.
        """

    def contents(self, names: Sequence[str]) -> Mapping[str, ConceptContent]:
        """What the graph holds of the named concepts, by name."""

    def describe(self) -> GraphDescription:
        """Which graph this is, as far as it is known; asks no server."""


@runtime_checkable
class AsyncGraphBackend(Protocol):
    """A `GraphBackend` that is awaited."""

    async def anearest(self, query_vector: Sequence[float], count: int) -> Sequence[Seed]:
        """As `GraphBackend.nearest`."""

    async def anamed(self, query_vector: Sequence[float], names: Sequence[str]) -> Sequence[Seed]:
        """As `GraphBackend.named`."""

    async def aneighbours(
        self, query_vector: Sequence[float], frontier: Sequence[str], max_degree: int
    ) -> Neighbourhood:
        """As `GraphBackend.neighbours`."""

    async def acontents(self, names: Sequence[str]) -> Mapping[str, ConceptContent]:
        """As `GraphBackend.contents`."""

    def describe(self) -> GraphDescription:
        """As `GraphBackend.describe`."""
