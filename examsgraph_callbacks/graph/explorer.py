"""Walks a concept graph one level at a time towards a query, and keeps every hop that it looked at.

What is asked next and what is made of an answer are functions of values (`seeded`, `next_frontier`,
`judged`); to ask, and to wait for the answer, is all that the two walks, sync and async, do themselves.
"""

import math
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import (
    FollowedDirection,
    Hop,
    RetrievalParams,
    SampledNode,
    Seed,
    SimilarityScale,
)
from examsgraph_callbacks.graph.backend import (
    AsyncGraphBackend,
    Candidate,
    GraphBackend,
    GraphDescription,
    Neighbourhood,
)
from examsgraph_callbacks.graph.bounds import Bounds
from examsgraph_callbacks.graph.judging import best_seeds, judge_level

__all__ = [
    "ExplorationResult",
    "aexplore",
    "aexplore_by_level",
    "explore",
    "explore_by_level",
    "judged",
    "next_frontier",
]


@dataclass(frozen=True, slots=True)
class ExplorationResult:
    """What was looked at for one query, as far as the exploration has come.

    `hops` holds every candidate with its verdict, level by level in the order of judgement. Scores
    are (1 + cos) / 2, rounded to 6 decimals. `sampled` names the concepts that had too many relations to
    look at each, `unscored` counts relations to concepts without an embedding. `round_trips` counts the
    questions put to the backend.
    """

    query: str | None
    bounds: Bounds
    backend: str
    seeds: tuple[Seed, ...] = ()
    hops: tuple[Hop, ...] = ()
    sampled: tuple[SampledNode, ...] = ()
    unscored: int = 0
    round_trips: int = 0
    similarity_scale: SimilarityScale = "(1+cos)/2"
    index_name: str | None = None
    server: str | None = None
    relationship_types: tuple[str, ...] | None = None
    direction: FollowedDirection = "both"

    @property
    def retrieval_params(self) -> RetrievalParams:
        """The bounds as the record keeps them, none left open, and which relations were looked along."""
        return self.bounds.as_params().model_copy(
            update={"relationship_types": self.relationship_types, "direction": self.direction}
        )

    @property
    def path(self) -> tuple[Hop, ...]:
        """The followed hops, in the order in which they were followed."""
        return tuple(hop for hop in self.hops if hop.verdict == "followed")

    @property
    def uncaptured(self) -> tuple[str, ...]:
        """What could not be looked at, a sentence each."""
        if not self.unscored:
            return ()
        return (f"relations to concepts without an embedding, which cannot be scored: {self.unscored}",)


def explore(
    query_vector: Sequence[float],
    backend: GraphBackend,
    params: RetrievalParams | None = None,
    *,
    start: Sequence[str] | None = None,
    query: str | None = None,
) -> ExplorationResult:
    """The whole exploration for `query_vector`.

    It starts at the named concepts in `start`, or else at the `seeds` most similar to the query;
    where it starts, no threshold is asked. Then, up to `depth` times, it looks at every relation of
    the concepts it has just reached and follows the best (`judge_level` says which). It ends early
    where nothing is followed or `max_hops` hops are. A bound that `params` leaves open has the default
    of `Bounds`; which relations are looked along is the backend's to say. `query` is only recorded.

    Raises `InvalidInputError` for a vector that is no direction or not of the graph's dimension, for
    bounds that make no sense and for a `start` that the graph does not hold, and
    `GraphUnavailableError` where the graph cannot be asked.
    """
    *_, last = explore_by_level(query_vector, backend, params, start=start, query=query)
    return last


def explore_by_level(
    query_vector: Sequence[float],
    backend: GraphBackend,
    params: RetrievalParams | None = None,
    *,
    start: Sequence[str] | None = None,
    query: str | None = None,
) -> Iterator[ExplorationResult]:
    """`explore`, as it stands before the first round trip and after each.

    Whoever iterates still has what was looked at when the backend fails half-way.
    """
    vector = _checked(query_vector)
    exploration = _begun(params, query, backend.describe())
    yield exploration
    if start is None:
        seeds = backend.nearest(vector, exploration.bounds.seeds)
    else:
        seeds = _all_named(start, backend.named(vector, _different(start)))
    exploration = _seeded(exploration, seeds, backend.describe())
    yield exploration
    while frontier := next_frontier(exploration):
        found = backend.neighbours(vector, frontier, exploration.bounds.max_degree)
        exploration = _looked_at(exploration, found)
        yield exploration


async def aexplore(
    query_vector: Sequence[float],
    backend: AsyncGraphBackend,
    params: RetrievalParams | None = None,
    *,
    start: Sequence[str] | None = None,
    query: str | None = None,
) -> ExplorationResult:
    """`explore`, awaited."""
    levels = aexplore_by_level(query_vector, backend, params, start=start, query=query)
    *_, last = [exploration async for exploration in levels]
    return last


async def aexplore_by_level(
    query_vector: Sequence[float],
    backend: AsyncGraphBackend,
    params: RetrievalParams | None = None,
    *,
    start: Sequence[str] | None = None,
    query: str | None = None,
) -> AsyncIterator[ExplorationResult]:
    """`explore_by_level`, awaited."""
    vector = _checked(query_vector)
    exploration = _begun(params, query, backend.describe())
    yield exploration
    if start is None:
        seeds = await backend.anearest(vector, exploration.bounds.seeds)
    else:
        seeds = _all_named(start, await backend.anamed(vector, _different(start)))
    exploration = _seeded(exploration, seeds, backend.describe())
    yield exploration
    while frontier := next_frontier(exploration):
        found = await backend.aneighbours(vector, frontier, exploration.bounds.max_degree)
        exploration = _looked_at(exploration, found)
        yield exploration


def next_frontier(exploration: ExplorationResult) -> tuple[str, ...]:
    """The concepts whose relations are to be looked at next; none where the exploration is over."""
    level = _level(exploration)
    bounds = exploration.bounds
    if level == bounds.depth or len(exploration.path) == bounds.max_hops:
        return ()
    if level == 0:
        return tuple(seed.node for seed in exploration.seeds)
    return tuple(hop.next_node for hop in exploration.path if hop.depth == level)


def judged(exploration: ExplorationResult, candidates: Sequence[Candidate]) -> ExplorationResult:
    """The exploration after one more level, with these candidates of its `next_frontier`."""
    path = exploration.path
    level = judge_level(
        candidates,
        visited={*(seed.node for seed in exploration.seeds), *(hop.next_node for hop in path)},
        depth=_level(exploration) + 1,
        hops_left=exploration.bounds.max_hops - len(path),
        bounds=exploration.bounds,
    )
    return replace(exploration, hops=exploration.hops + level, round_trips=exploration.round_trips + 1)


def _begun(
    params: RetrievalParams | None, query: str | None, described: GraphDescription
) -> ExplorationResult:
    return ExplorationResult(query, Bounds.of(params or RetrievalParams()), **asdict(described))


def _seeded(
    exploration: ExplorationResult, seeds: Sequence[Seed], described: GraphDescription
) -> ExplorationResult:
    # described anew: by now the backend knows its server
    return replace(exploration, seeds=best_seeds(seeds, len(seeds)), round_trips=1, **asdict(described))


def _looked_at(exploration: ExplorationResult, found: Neighbourhood) -> ExplorationResult:
    return replace(
        judged(exploration, found.candidates),
        sampled=exploration.sampled + tuple(sorted(found.sampled, key=lambda sampled: sampled.node)),
        unscored=exploration.unscored + found.unscored,
    )


def _level(exploration: ExplorationResult) -> int:
    return exploration.round_trips - 1  # the first asked for the seeds


def _different(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _all_named(start: Sequence[str], seeds: Sequence[Seed]) -> Sequence[Seed]:
    missing = sorted(set(start) - {seed.node for seed in seeds})
    if missing or not seeds:
        raise InvalidInputError(
            f"expected concepts of the graph to start at, got {missing or list(start)}, which it does "
            "not hold, or without an embedding: name others, or leave start out to begin at those "
            "nearest to the query",
        )
    return seeds


def _checked(query_vector: Sequence[float]) -> Sequence[float]:
    vector = [float(component) for component in query_vector]
    if not any(vector) or not all(map(math.isfinite, vector)):
        raise InvalidInputError(
            "expected a query vector of finite numbers that are not all 0, "
            f"got {len(vector)} numbers: pass what the embedding model returned",
        )
    return vector
