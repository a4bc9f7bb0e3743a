"""How similar nodes are to the query and to each other, from embeddings that were returned anyway."""

from array import array
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from examsgraph_callbacks.graph.tap.collected import NodeKey

__all__ = ["Similarities", "similarities"]


@dataclass(frozen=True, slots=True)
class Similarities:
    """Similarities on the scale (1 + cos) / 2: of nodes to the query, of pairs of nodes to each other."""

    to_query: Mapping[NodeKey, float] = field(default_factory=dict)
    of_pairs: Mapping[tuple[NodeKey, NodeKey], float] = field(default_factory=dict)

    def or_else(self, others: "Similarities") -> "Similarities":
        """These, and those of `others` that are not known here."""
        return Similarities({**others.to_query, **self.to_query}, {**others.of_pairs, **self.of_pairs})

    def of_pair(self, node: NodeKey, other: NodeKey) -> float | None:
        """The similarity of two nodes, in whichever order it is known."""
        return self.of_pairs.get((node, other), self.of_pairs.get((other, node)))


def similarities(
    query_vector: list[float] | None,
    embeddings: Mapping[NodeKey, list[float]],
    pairs: Iterable[tuple[NodeKey, NodeKey]],
) -> Similarities:
    """What the embeddings tell; those of another dimension than the query's, or the first's, tell nothing.

    Nor do those that are no direction. The formula is Neo4j's for cosine similarity, in 64-bit floats.
    """
    dimension = len(query_vector) if query_vector else len(next(iter(embeddings.values()), ()))
    fitting = {key: vector for key, vector in embeddings.items() if len(vector) == dimension}
    if not fitting:
        return Similarities()
    units, is_sound = _units(fitting.values())
    rows = {key: row for row, (key, sound) in enumerate(zip(fitting, is_sound, strict=True)) if sound}
    to_query: dict[NodeKey, float] = {}
    if query_vector:
        query, (query_is_sound,) = _units([query_vector])
        if query_is_sound:
            scores = ((1 + units @ query[0]) / 2).tolist()
            to_query = {key: scores[row] for key, row in rows.items()}
    known = [(one, other) for one, other in pairs if one in rows and other in rows]
    firsts = units[[rows[one] for one, _ in known]]
    seconds = units[[rows[other] for _, other in known]]
    of_pairs = ((1 + np.einsum("ij,ij->i", firsts, seconds)) / 2).tolist()
    return Similarities(to_query, dict(zip(known, of_pairs, strict=True)))


def _units(vectors: Collection[list[float]]) -> tuple[NDArray[np.float64], list[bool]]:
    """The vectors at length 1, a row each, and whether each is a direction: else its row means nothing."""
    numbers = array("d")  # which takes lists in faster than numpy's own arrays do
    for vector in vectors:
        numbers.fromlist(vector)
    matrix = np.frombuffer(numbers, dtype=np.float64).reshape(len(vectors), -1)
    lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    is_sound = np.isfinite(lengths) & (lengths > 0)
    return matrix / np.where(is_sound, lengths, 1.0)[:, np.newaxis], is_sound.tolist()
