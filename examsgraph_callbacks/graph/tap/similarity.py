"""How similar nodes are to the query and to each other, from embeddings that were returned anyway."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

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
    query_vector: Sequence[float] | None,
    embeddings: Mapping[NodeKey, Sequence[float]],
    pairs: Iterable[tuple[NodeKey, NodeKey]],
) -> Similarities:
    """What the embeddings tell; those of another dimension than the query's, or the first's, tell nothing.

    Nor do those that are no direction. The formula is Neo4j's for cosine similarity, in 64-bit floats.
    """
    vectors = dict(embeddings)
    dimension = len(query_vector) if query_vector else len(next(iter(vectors.values()), ()))
    rows = {key: row for row, key in enumerate(k for k, v in vectors.items() if len(v) == dimension)}
    if not rows:
        return Similarities()
    matrix = np.asarray([vectors[key] for key in rows], dtype=np.float64)
    lengths = np.linalg.norm(matrix, axis=1)
    sound = np.isfinite(lengths) & (lengths > 0)
    matrix[sound] /= lengths[sound, np.newaxis]
    rows = {key: row for key, row in rows.items() if sound[row]}
    to_query: dict[NodeKey, float] = {}
    if query_vector:
        query = np.asarray(query_vector, dtype=np.float64)
        length = np.linalg.norm(query)
        if np.isfinite(length) and length > 0:
            scores = (1 + matrix @ (query / length)) / 2
            to_query = {key: float(scores[row]) for key, row in rows.items()}
    known = [(one, other) for one, other in pairs if one in rows and other in rows]
    firsts = matrix[[rows[one] for one, _ in known]]
    seconds = matrix[[rows[other] for _, other in known]]
    of_pairs = (1 + np.einsum("ij,ij->i", firsts, seconds)) / 2
    return Similarities(to_query, dict(zip(known, of_pairs.tolist(), strict=True)))
