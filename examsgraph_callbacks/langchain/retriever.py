"""A LangChain retriever that explores a concept graph and lets the path be recorded."""

from collections.abc import Sequence
from uuid import UUID

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever

from examsgraph_callbacks.capture import Clock, ExplorationRecord, publish_exploration
from examsgraph_callbacks.events import Hop, RetrievalParams
from examsgraph_callbacks.graph import ExplorationResult, GraphBackend, explore_by_level, trails

__all__ = ["GraphPathRetriever"]

_CLOCK = Clock()
_NO_TRAIL: tuple[Hop, ...] = ()


class GraphPathRetriever(BaseRetriever):
    """Walks from the concepts nearest to the query along the graph's relations towards it.

    Returns a document for each concept that it began at or reached, best first: its text, and in the
    metadata `score` ((1 + cos) / 2 with the query), `concept`, `path` (the hops that led to it, each
    `[node, relation, next_node]`, none for a beginning) and `depth` (their number). A callback handler
    of this package that hears the run records every hop that was looked at, also where the graph
    fails half-way. The bounds mean what `RetrievalParams` says.

    Raises `InvalidInputError` where the embeddings do not fit the graph or a bound makes no sense, and
    `GraphUnavailableError` where the graph cannot be asked.
    """

    graph: GraphBackend
    embeddings: Embeddings
    depth: int = 3
    similarity_threshold: float = 0.7
    max_hops: int = 5
    beam_width: int = 2
    fan_out: int = 10
    seeds: int = 1

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        exploration = self._explored(query, run_manager.run_id)
        path = trails(exploration.path)
        found = [
            *((seed.node, seed.similarity_score, _NO_TRAIL) for seed in exploration.seeds),
            *((trail[-1].next_node, trail[-1].similarity_score, trail) for trail in path),
        ]
        texts = self.graph.texts([concept for concept, _, _ in found])
        documents = [
            _document(concept, texts.get(concept, ""), score, trail) for concept, score, trail in found
        ]
        return sorted(documents, key=lambda document: -document.metadata["score"])

    def _explored(self, query: str, run_id: UUID) -> ExplorationResult:
        query_vector = self.embeddings.embed_query(query)
        params = RetrievalParams(**{name: getattr(self, name) for name in RetrievalParams.model_fields})
        levels = explore_by_level(query_vector, self.graph, params, query=query)
        started_wall_ns, started_ns = _CLOCK.wall_ns(), _CLOCK.elapsed_ns()
        exploration = next(levels)
        error = None
        try:
            for further in levels:
                exploration = further
        except BaseException as raised:
            error = raised
            raise
        finally:
            publish_exploration(
                run_id,
                ExplorationRecord(
                    query=query,
                    retrieval_params=exploration.retrieval_params,
                    seeds=exploration.seeds,
                    hops=exploration.hops,
                    similarity_scale=exploration.similarity_scale,
                    backend=exploration.backend,
                    round_trips=exploration.round_trips,
                    started_wall_ns=started_wall_ns,
                    latency_ms=(_CLOCK.elapsed_ns() - started_ns) / 1e6,
                    error=error,
                ),
            )
        return exploration


def _document(concept: str, text: str, score: float | None, trail: Sequence[Hop]) -> Document:
    return Document(
        id=concept,
        page_content=text,
        metadata={
            "score": score,
            "concept": concept,
            "path": [[hop.node, hop.relation, hop.next_node] for hop in trail],
            "depth": len(trail),
        },
    )
