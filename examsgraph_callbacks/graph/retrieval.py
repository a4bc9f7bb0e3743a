"""One retrieval from beginning to end, in whichever framework: explored, published, its texts fetched."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from examsgraph_callbacks.capture import Clock, ExplorationRecord, publish_exploration
from examsgraph_callbacks.events import Hop, RetrievalParams
from examsgraph_callbacks.graph.backend import AsyncGraphBackend, ConceptContent, GraphBackend
from examsgraph_callbacks.graph.explorer import ExplorationResult, aexplore_by_level, explore_by_level
from examsgraph_callbacks.graph.trails import trails

__all__ = ["FoundConcept", "aretrieve", "retrieve"]

_CLOCK = Clock()
_NO_CONTENT = ConceptContent()


@dataclass(frozen=True, slots=True)
class FoundConcept:
    """A concept at which an exploration began (its `trail` is empty) or to which its trail of hops led.

    `score` compares it with the query, on the scale (1 + cos) / 2.
    """

    name: str
    score: float | None
    trail: tuple[Hop, ...] = ()
    content: ConceptContent = _NO_CONTENT

    @property
    def metadata(self) -> dict[str, Any]:
        """What a document says of it beside its text, as JSON has it; the score stands first.

        `concept`, `path` (each hop as `[node, relation, next_node]`), `depth` (their number) and, where
        it has any, `resources` (each `{"kind", "url", "title"}`).
        """
        metadata: dict[str, Any] = {
            "score": self.score,
            "concept": self.name,
            "path": [[hop.node, hop.relation, hop.next_node] for hop in self.trail],
            "depth": len(self.trail),
        }
        if self.content.resources:
            metadata["resources"] = [
                {"kind": resource.kind, "url": resource.url, "title": resource.title}
                for resource in self.content.resources
            ]
        return metadata


def retrieve(
    graph: GraphBackend,
    query: str,
    query_vector: Sequence[float],
    params: RetrievalParams,
    *,
    run_id: UUID | None,
) -> list[FoundConcept]:
    """The concepts that `explore` begins at or reaches, best first, with their texts and resources.

    What was explored is published under the retriever's run, also where the graph fails half-way; None
    for a run that is not known. Raises what `explore` raises.
    """
    with _published(run_id, graph) as progress:
        for exploration in explore_by_level(query_vector, graph, params, query=query):
            progress.exploration = exploration
    found = _found(progress.exploration)
    return _with_contents(found, graph.contents([concept.name for concept in found]))


async def aretrieve(
    graph: AsyncGraphBackend,
    query: str,
    query_vector: Sequence[float],
    params: RetrievalParams,
    *,
    run_id: UUID | None,
) -> list[FoundConcept]:
    """`retrieve`, awaited; what was explored is published where it is cancelled too."""
    with _published(run_id, graph) as progress:
        async for exploration in aexplore_by_level(query_vector, graph, params, query=query):
            progress.exploration = exploration
    found = _found(progress.exploration)
    return _with_contents(found, await graph.acontents([concept.name for concept in found]))


@dataclass(slots=True)
class _Progress:
    """How far an exploration has come; None before it has begun."""

    exploration: ExplorationResult | None = None


@contextmanager
def _published(run_id: UUID | None, graph: GraphBackend | AsyncGraphBackend) -> Iterator[_Progress]:
    progress = _Progress()
    started_wall_ns, started_ns = _CLOCK.wall_ns(), _CLOCK.elapsed_ns()
    error: BaseException | None = None
    try:
        yield progress
    except BaseException as raised:
        error = raised
        raise
    finally:
        latency_ms = (_CLOCK.elapsed_ns() - started_ns) / 1e6
        if run_id is not None and progress.exploration is not None:
            # described anew: where it failed at once, the graph may know its server only now
            explored = replace(progress.exploration, **asdict(graph.describe()))
            publish_exploration(run_id, _record(explored, started_wall_ns, latency_ms, error))


def _found(exploration: ExplorationResult | None) -> list[FoundConcept]:
    if exploration is None:
        return []
    found = [
        *(FoundConcept(seed.node, seed.similarity_score) for seed in exploration.seeds),
        *(
            FoundConcept(trail[-1].next_node, trail[-1].similarity_score, trail)
            for trail in trails(exploration.path)
        ),
    ]
    return sorted(found, key=lambda concept: -(concept.score or 0.0))


def _with_contents(
    found: Sequence[FoundConcept], contents: Mapping[str, ConceptContent]
) -> list[FoundConcept]:
    return [replace(concept, content=contents.get(concept.name, concept.content)) for concept in found]


def _record(
    exploration: ExplorationResult, started_wall_ns: int, latency_ms: float, error: BaseException | None
) -> ExplorationRecord:
    return ExplorationRecord(
        query=exploration.query,
        retrieval_params=exploration.retrieval_params,
        seeds=exploration.seeds,
        hops=exploration.hops,
        similarity_scale=exploration.similarity_scale,
        backend=exploration.backend,
        round_trips=exploration.round_trips,
        sampled=exploration.sampled,
        uncaptured=exploration.uncaptured,
        index_name=exploration.index_name,
        server=exploration.server,
        started_wall_ns=started_wall_ns,
        latency_ms=latency_ms,
        error=error,
    )
