"""Walks a concept graph one level at a time towards a query, and keeps every hop that it looked at."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Hop, RetrievalParams, Seed, SimilarityScale
from examsgraph_callbacks.graph.backend import Candidate, GraphBackend
from examsgraph_callbacks.graph.bounds import Bounds
from examsgraph_callbacks.graph.judging import best_seeds, judge_level

__all__ = ["ExplorationResult", "explore", "explore_by_level", "judged", "next_frontier"]


@dataclass(frozen=True, slots=True)
class ExplorationResult:
    """What was looked at for one query, as far as the exploration has come.

    `hops` holds every candidate with its verdict, level by level in the order of judgement. Scores
    are (1 + cos) / 2, rounded to 6 decimals. `round_trips` counts the questions put to the backend.
    """

    query: str | None
    bounds: Bounds
    backend: str
    seeds: tuple[Seed, ...] = ()
    hops: tuple[Hop, ...] = ()
    round_trips: int = 0
    similarity_scale: SimilarityScale = "(1+cos)/2"

    @property
    def retrieval_params(self) -> RetrievalParams:
        """The bounds as the record keeps them, none left open."""
        return self.bounds.as_params()

    @property
    def path(self) -> tuple[Hop, ...]:
        """The followed hops, in the order in which they were followed."""
        return tuple(hop for hop in self.hops if hop.verdict == "followed")


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
    of `Bounds`; `query` is only recorded.

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
    exploration = ExplorationResult(
        query=query,
        bounds=Bounds.of(params or RetrievalParams()),
        backend=backend.describe(),
    )
    yield exploration
    if start is None:
        seeds = backend.nearest(vector, exploration.bounds.seeds)
    else:
        seeds = _all_named(start, backend.named(vector, tuple(dict.fromkeys(start))))
    exploration = replace(
        exploration,
        seeds=best_seeds(seeds, len(seeds)),
        backend=backend.describe(),  # which may know its server's version by now
        round_trips=1,
    )
    yield exploration
    while frontier := next_frontier(exploration):
        exploration = judged(exploration, backend.neighbours(vector, frontier))
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


def _level(exploration: ExplorationResult) -> int:
    return exploration.round_trips - 1  # the first asked for the seeds


def _all_named(start: Sequence[str], seeds: Sequence[Seed]) -> Sequence[Seed]:
    missing = sorted(set(start) - {seed.node for seed in seeds})
    if missing or not seeds:
        raise InvalidInputError(
            f"expected concepts of the graph to start at, got {missing or list(start)}, which it does "
            "not hold: name others, or leave start out to begin at those nearest to the query",
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
