"""A LangChain retriever that explores a concept graph and lets the path be recorded."""

from collections.abc import Sequence
from typing import Self, Unpack

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

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

__all__ = ["GraphPathRetriever"]


class GraphPathRetriever(BaseRetriever):
    """Walks from the concepts nearest to the query along the graph's relations towards it.

    Returns a document for each concept that it began at or reached, best first: its text, and in the
    metadata `score` ((1 + cos) / 2 with the query), `concept`, `path` (the hops that led to it, each
    `[node, relation, next_node]`, none for a beginning), `depth` (their number) and, where the concept
    has any, `resources` (each `{"kind", "url", "title"}`). A callback handler of this package that hears
    the run records every hop that was looked at, also where the graph fails half-way. The bounds mean
    what `RetrievalParams` says.

    `embeddings` is an embedding model of LangChain or of LlamaIndex. Over a graph of an asynchronous
    driver only `ainvoke` works, and nothing of it blocks; over another one `ainvoke` runs in a thread.

    Raises `InvalidInputError` where the embeddings do not fit the graph or a bound makes no sense, and
    `GraphUnavailableError` where the graph cannot be asked.
    """

    graph: GraphBackend | AsyncGraphBackend
    embeddings: Embedder
    depth: int = 3
    similarity_threshold: float = 0.7
    max_hops: int = 5
    beam_width: int = 2
    fan_out: int = 10
    seeds: int = 1
    max_degree: int = 200

    @classmethod
    def from_driver(
        cls,
        driver: AnyDriver,
        embeddings: Embedder,
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
            graph=neo4j_graph(driver, **graph),
            embeddings=embeddings,
            depth=depth,
            similarity_threshold=similarity_threshold,
            max_hops=max_hops,
            beam_width=beam_width,
            fan_out=fan_out,
            seeds=seeds,
            max_degree=max_degree,
        )

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        if not isinstance(self.graph, GraphBackend):
            raise InvalidInputError(
                "expected to be awaited, as the graph's driver is asynchronous, but was called: "
                "use ainvoke, or a graph of neo4j.GraphDatabase.driver",
            )
        vector = embedded(self.embeddings, query)
        return _documents(
            retrieve(self.graph, query, vector, self._params(), run_id=run_manager.run_id),
        )

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        if not isinstance(self.graph, AsyncGraphBackend):
            return await super()._aget_relevant_documents(query, run_manager=run_manager)
        vector = await aembedded(self.embeddings, query)
        return _documents(
            await aretrieve(self.graph, query, vector, self._params(), run_id=run_manager.run_id),
        )

    def _params(self) -> RetrievalParams:
        return RetrievalParams(
            depth=self.depth,
            similarity_threshold=self.similarity_threshold,
            max_hops=self.max_hops,
            beam_width=self.beam_width,
            fan_out=self.fan_out,
            seeds=self.seeds,
            max_degree=self.max_degree,
        )


def _documents(found: Sequence[FoundConcept]) -> list[Document]:
    return [
        Document(id=concept.name, page_content=concept.content.text, metadata=concept.metadata)
        for concept in found
    ]
