"""A LlamaIndex retriever that explores a concept graph and lets the path be recorded."""

import asyncio
from collections.abc import Sequence
from typing import Self, Unpack
from uuid import UUID

from llama_index.core import Settings
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index_instrumentation.span import active_span_id

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import RetrievalParams
from examsgraph_callbacks.graph import (
    AnyDriver,
    AsyncGraphBackend,
    Embedder,
    FoundConcept,
    GraphBackend,
    Neo4jOptions,
    aembedded,
    aretrieve,
    embedded,
    neo4j_graph,
    retrieve,
)
from examsgraph_callbacks.llama_index.kinds import run_id_of

__all__ = ["GraphPathRetriever"]

# said to the model with the text: the concept's name; the rest of the metadata is for the application
_NOT_FOR_THE_MODEL = ["score", "path", "depth", "resources"]


class GraphPathRetriever(BaseRetriever):
    """Walks from the concepts nearest to the query along the graph's relations towards it.

    Returns a node for each concept that it began at or reached, best first: its text, its score
    ((1 + cos) / 2 with the query), and in the metadata `score`, `concept`, `path` (the hops that led to
    it, each `[node, relation, next_node]`, none for a beginning), `depth` (their number) and, where the
    concept has any, `resources` (each `{"kind", "url", "title"}`). An attached event handler of this
    package records every hop that was looked at, also where the graph fails half-way. The bounds mean
    what `RetrievalParams` says.

    `embed_model` is an embedding model of LlamaIndex or of LangChain, by default `Settings.embed_model`.
    Over a graph of an asynchronous driver only `aretrieve` works, and nothing of it blocks; over another
    one `aretrieve` runs in a thread.

    Raises `InvalidInputError` where the embeddings do not fit the graph or a bound makes no sense, and
    `GraphUnavailableError` where the graph cannot be asked.
    """

    def __init__(
        self,
        graph: GraphBackend | AsyncGraphBackend,
        embed_model: Embedder | None = None,
        *,
        depth: int = 3,
        similarity_threshold: float = 0.7,
        max_hops: int = 5,
        beam_width: int = 2,
        fan_out: int = 10,
        seeds: int = 1,
        max_degree: int = 200,
    ) -> None:
        super().__init__()
        self._graph = graph
        self._embed_model: Embedder = Settings.embed_model if embed_model is None else embed_model
        self._params = RetrievalParams(
            depth=depth,
            similarity_threshold=similarity_threshold,
            max_hops=max_hops,
            beam_width=beam_width,
            fan_out=fan_out,
            seeds=seeds,
            max_degree=max_degree,
        )

    @classmethod
    def from_driver(
        cls,
        driver: AnyDriver,
        embed_model: Embedder | None = None,
        *,
        depth: int = 3,
        similarity_threshold: float = 0.7,
        max_hops: int = 5,
        beam_width: int = 2,
        fan_out: int = 10,
        seeds: int = 1,
        max_degree: int = 200,
        **graph: Unpack[Neo4jOptions],
    ) -> Self:
        """The retriever over the graph that a Neo4j driver, sync or async, leads to.

        `graph` says how it is read, as for `Neo4jGraph`: `index_name`, `label`, `name_property`,
        `text_property`, `embedding_property`, `relationship_types`, `direction`, `database` and
        `timeout_seconds`. The driver is the caller's to open and to close.
        """
        return cls(
            neo4j_graph(driver, **graph),
            embed_model,
            depth=depth,
            similarity_threshold=similarity_threshold,
            max_hops=max_hops,
            beam_width=beam_width,
            fan_out=fan_out,
            seeds=seeds,
            max_degree=max_degree,
        )

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if not isinstance(self._graph, GraphBackend):
            raise InvalidInputError(
                "expected to be awaited, as the graph's driver is asynchronous, but was called: "
                "use aretrieve, or a graph of neo4j.GraphDatabase.driver",
            )
        vector = query_bundle.embedding or _mean(
            [embedded(self._embed_model, text) for text in query_bundle.embedding_strs]
        )
        query = query_bundle.query_str
        return _nodes(retrieve(self._graph, query, vector, self._params, run_id=_run_id()))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if not isinstance(self._graph, AsyncGraphBackend):
            return await asyncio.to_thread(self._retrieve, query_bundle)
        vector = query_bundle.embedding or _mean(
            [await aembedded(self._embed_model, text) for text in query_bundle.embedding_strs]
        )
        query = query_bundle.query_str
        return _nodes(await aretrieve(self._graph, query, vector, self._params, run_id=_run_id()))


def _nodes(found: Sequence[FoundConcept]) -> list[NodeWithScore]:
    return [
        NodeWithScore(
            node=TextNode(
                id_=concept.name,
                text=concept.content.text,
                metadata=concept.metadata,
                excluded_llm_metadata_keys=_NOT_FOR_THE_MODEL,
                excluded_embed_metadata_keys=_NOT_FOR_THE_MODEL,
            ),
            score=concept.score,
        )
        for concept in found
    ]


def _run_id() -> UUID | None:
    span_id = active_span_id.get()
    return None if span_id is None else run_id_of(span_id)


def _mean(vectors: Sequence[Sequence[float]]) -> Sequence[float]:
    # as LlamaIndex's own retrievers do with several texts for one query, of HyDE for example
    return [sum(components) / len(vectors) for components in zip(*vectors, strict=True)]
