"""A concept graph held in memory: for demonstrations, tests and graphs of some ten thousand concepts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import FollowedDirection, SampledNode, Seed
from examsgraph_callbacks.graph.backend import (
    Candidate,
    ConceptContent,
    GraphDescription,
    Neighbourhood,
    Resource,
)
from examsgraph_callbacks.graph.concepts import Concept, ConceptGraph, Relation
from examsgraph_callbacks.graph.judging import SCORE_DIGITS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]

__all__ = ["MemoryGraph"]


class _Edge(NamedTuple):
    """A relation as seen from one of its ends; `row` is the other end's."""

    relation: str
    next_node: str
    row: int
    edge_similarity: float
    direction: Literal["out", "in"]


class MemoryGraph:
    """A `GraphBackend` over concepts and relations; embeddings are normalised and cosines exact.

    `relationship_types` and `direction` say which relations are looked at, all by default; `resources`
    are those of concepts, by name. Raises `InvalidInputError` for a graph that `ConceptGraph.of` refuses.
    """

    def __init__(
        self,
        concepts: Iterable[Concept],
        relations: Iterable[Relation],
        *,
        relationship_types: Collection[str] | None = None,
        direction: FollowedDirection = "both",
        resources: Mapping[str, Sequence[Resource]] | None = None,
    ) -> None:
        graph = ConceptGraph.of(concepts, relations)
        self._contents = {
            concept.name: ConceptContent(concept.summary, tuple((resources or {}).get(concept.name, ())))
            for concept in graph.concepts
        }
        self._names = tuple(self._contents)
        self._rows = {name: row for row, name in enumerate(self._names)}
        self._vectors = _normalised([concept.embedding for concept in graph.concepts])
        looked_at = [
            relation
            for relation in graph.relations
            if relationship_types is None or relation.type in relationship_types
        ]
        self._edges = self._adjacency(looked_at, direction)
        self._description = GraphDescription(
            backend=f"memory: {len(self._names)} concepts, {len(looked_at)} relations",
            relationship_types=None if relationship_types is None else tuple(relationship_types),
            direction=direction,
        )

    @classmethod
    def from_jsonl(
        cls,
        concepts_path: Path | str,
        relations_path: Path | str,
        *,
        relationship_types: Collection[str] | None = None,
        direction: FollowedDirection = "both",
    ) -> "MemoryGraph":
        """The graph of two files that `ConceptGraph.from_jsonl` reads."""
        graph = ConceptGraph.from_jsonl(concepts_path, relations_path)
        return cls(
            graph.concepts,
            graph.relations,
            relationship_types=relationship_types,
            direction=direction,
        )

    def nearest(self, query_vector: Sequence[float], count: int) -> Sequence[Seed]:
        import numpy as np

        scores = self._scores(query_vector, self._vectors)
        # rows are in the order of names, so that a stable sort leaves ties in it
        best = np.argsort(-np.round(scores, SCORE_DIGITS), kind="stable")[:count]
        return [Seed(node=self._names[row], similarity_score=float(scores[row])) for row in best.tolist()]

    def named(self, query_vector: Sequence[float], names: Sequence[str]) -> Sequence[Seed]:
        known = [name for name in names if name in self._rows]
        scores = self._scores(query_vector, self._vectors[[self._rows[name] for name in known]])
        return [
            Seed(node=name, similarity_score=score)
            for name, score in zip(known, scores.tolist(), strict=True)
        ]

    def neighbours(
        self, query_vector: Sequence[float], frontier: Sequence[str], max_degree: int
    ) -> Neighbourhood:
        looked_at: list[tuple[str, _Edge]] = []
        sampled = []
        nearest: set[str] | None = None
        for name in frontier:
            edges = self._edges.get(name, ())
            if (degree := len(edges)) > max_degree:
                if nearest is None:
                    nearest = {seed.node for seed in self.nearest(query_vector, max_degree)}
                edges = [edge for edge in edges if edge.next_node in nearest]
                sampled.append(SampledNode(node=name, degree=degree, looked_at=len(edges)))
            looked_at.extend((name, edge) for edge in edges)
        scores = self._scores(query_vector, self._vectors[[edge.row for _, edge in looked_at]])
        candidates = [
            Candidate(
                node=name,
                relation=edge.relation,
                next_node=edge.next_node,
                similarity_score=score,
                edge_similarity=edge.edge_similarity,
                direction=edge.direction,
            )
            for (name, edge), score in zip(looked_at, scores.tolist(), strict=True)
        ]
        return Neighbourhood(candidates, tuple(sampled))

    def contents(self, names: Sequence[str]) -> Mapping[str, ConceptContent]:
        return {name: self._contents[name] for name in names if name in self._contents}

    def describe(self) -> GraphDescription:
        return self._description

    def _scores(self, query_vector: Sequence[float], vectors: "Vectors") -> "Vectors":
        dimensions = self._vectors.shape[1]
        if len(query_vector) != dimensions:
            raise InvalidInputError(
                f"expected a query vector of {dimensions} numbers, got {len(query_vector)}: "
                "embed the query with the model that embedded the graph",
            )
        (query,) = _normalised([query_vector])
        scores: Vectors = (1 + vectors @ query) / 2
        return scores

    def _adjacency(
        self, relations: Sequence[Relation], direction: FollowedDirection
    ) -> Mapping[str, Sequence[_Edge]]:
        sources = self._vectors[[self._rows[relation.source] for relation in relations]]
        targets = self._vectors[[self._rows[relation.target] for relation in relations]]
        similarities = ((1 + (sources * targets).sum(axis=1)) / 2).tolist()
        edges: defaultdict[str, list[_Edge]] = defaultdict(list)
        for relation, similarity in zip(relations, similarities, strict=True):
            source, kind, target = relation.source, relation.type, relation.target
            is_loop = source == target  # seen once, as out, however it is looked along; as by Neo4j
            if direction != "in" or is_loop:
                edge = _Edge(kind, target, self._rows[target], similarity, "out")
                edges[source].append(edge)
            if direction != "out" and not is_loop:
                edge = _Edge(kind, source, self._rows[source], similarity, "in")
                edges[target].append(edge)
        return edges


def _normalised(vectors: Sequence[Sequence[float]]) -> "Vectors":
    import numpy as np

    array = np.asarray(vectors, dtype=np.float64)
    normalised: Vectors = array / np.linalg.norm(array, axis=1, keepdims=True)
    return normalised
