"""How similar nodes are to the query and to each other, from embeddings that were returned anyway."""

import math
from array import array
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
    rows = {key: row for row, key in enumerate(fitting)}
    known = [(one, other) for one, other in pairs if one in rows and other in rows]
    of_query = [(row, len(rows)) for row in rows.values()] if query_vector else []
    of_pairs = [(rows[one], rows[other]) for one, other in known]
    vectors = [*fitting.values(), query_vector] if query_vector else [*fitting.values()]
    found = _of_rows(vectors, [*of_query, *of_pairs])
    return Similarities(
        {key: score for key, score in zip(rows, found[: len(of_query)], strict=False) if score is not None},
        {pair: score for pair, score in zip(known, found[len(of_query) :], strict=True) if score is not None},
    )


def _of_rows(vectors: Sequence[list[float]], pairs: Sequence[tuple[int, int]]) -> list[float | None]:
    """The similarities of pairs of vectors, by their positions; None where one is no direction.

    A product at a time: one call for all of them would first copy each vector once for every product.
    """
    numbers = array("d")  # which takes lists in faster than numpy's own arrays do
    for vector in vectors:
        numbers.fromlist(vector)
    rows = [*np.frombuffer(numbers).reshape(len(vectors), -1)]
    with np.errstate(all="ignore"):
        lengths = [math.sqrt(row.dot(row)) for row in rows]
        is_sound = [0 < length < math.inf for length in lengths]
        return [
            (1 + float(rows[one].dot(rows[other])) / lengths[one] / lengths[other]) / 2
            if is_sound[one] and is_sound[other]
            else None
            for one, other in pairs
        ]
