"""What a query's own text and parameters tell: its vector, its bounds, what its columns may hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Statement", "bounds_in", "query_vector_in", "read_statement"]

SHORTEST_VECTOR = 8
"""Numbers: a shorter list is no embedding."""

# as the retrievers of neo4j-graphrag, langchain-neo4j and LlamaIndex name theirs
_VECTORS = ("query_vector", "embedding", "query_embedding", "vector")
_SEEDS = ("top_k", "similarity_top_k", "k", "limit")
_THRESHOLDS = ("similarity_threshold", "score_threshold", "similarity_score", "min_score", "threshold")

# -[:TYPE*1..3]-, and the quantified -[:TYPE]->{1,3} and ((a)--(b)){1,3}
_LENGTHS = re.compile(r"\[[^\[\]'\"*]*\*\s*(?P<least>\d*)\s*(?P<dots>\.\.)?\s*(?P<most>\d*)")
_QUANTIFIERS = re.compile(r"[->)]\s*\{\s*\d*\s*,\s*(\d+)\s*\}")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a query's text tells.

    `depth` is the longest path that it looks for, in hops, None where it names none. `tells_types` is
    whether it returns the types of relations by themselves, `ranks_text` whether its scores rank words too.
    """

    depth: int | None
    tells_types: bool
    ranks_text: bool


@lru_cache(maxsize=256)
def read_statement(text: str) -> Statement:
    """What the text tells; the same few statements come again and again."""
    lengths = [match["most"] if match["dots"] else match["least"] for match in _LENGTHS.finditer(text)]
    depths = [int(length) for length in [*lengths, *_QUANTIFIERS.findall(text)] if length]
    lower = text.lower()
    return Statement(
        depth=max(depths, default=None),
        tells_types="type(" in lower,
        ranks_text="db.index.fulltext" in lower,
    )


def query_vector_in(parameters: Mapping[str, object]) -> list[float] | None:
    """The parameter that is an embedding, by its usual names first; None where none is."""
    for name in (*_VECTORS, *parameters):
        vector = _vector(parameters.get(name))
        if vector is not None:
            return vector
    return None


def bounds_in(
    statement: Statement,
    parameters: Mapping[str, object],
    *,
    has_vector: bool,
) -> dict[str, int | float]:
    """The fields of `RetrievalParams` that a query tells."""
    bounds: dict[str, int | float] = {}
    if statement.depth is not None:
        bounds["depth"] = statement.depth
    if has_vector:
        seeds = next((count for name in _SEEDS if type(count := parameters.get(name)) is int), None)
        if seeds is not None:
            bounds["seeds"] = seeds
    threshold = next((bar for name in _THRESHOLDS if type(bar := parameters.get(name)) is float), None)
    if threshold is not None:
        bounds["similarity_threshold"] = threshold
    return bounds


def _vector(value: object) -> list[float] | None:
    if getattr(value, "ndim", None) == 1:
        value = value.tolist()  # type: ignore[attr-defined] # numpy's arrays, which the driver takes too
    if not isinstance(value, (list, tuple)) or len(value) < SHORTEST_VECTOR:
        return None
    # ids and counts are whole numbers, all of them; an embedding is not
    kinds = set(map(type, value))
    return [*value] if float in kinds and kinds <= {float, int} else None
