"""The embedding model of either framework, by what it can do: neither framework is imported for it."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["Embedder", "LangChainEmbeddings", "LlamaIndexEmbedding", "aembedded", "embedded"]


@runtime_checkable
class LangChainEmbeddings(Protocol):
    """What `langchain_core.embeddings.Embeddings` has."""

    def embed_query(self, text: str) -> list[float]:
        """The vector of a query."""

    async def aembed_query(self, text: str) -> list[float]:
        """The same, awaited."""


@runtime_checkable
class LlamaIndexEmbedding(Protocol):
    """What `llama_index.core.embeddings.BaseEmbedding` has."""

    def get_query_embedding(self, query: str) -> list[float]:
        """The vector of a query."""

    async def aget_query_embedding(self, query: str) -> list[float]:
        """The same, awaited."""


Embedder: TypeAlias = LangChainEmbeddings | LlamaIndexEmbedding


def embedded(embedder: Embedder, query: str) -> Sequence[float]:
    """The query's vector; raises what the model raises, and `InvalidInputError` where it is none."""
    if isinstance(embedder, LangChainEmbeddings):
        return embedder.embed_query(query)
    return _llama_index(embedder).get_query_embedding(query)


async def aembedded(embedder: Embedder, query: str) -> Sequence[float]:
    """`embedded`, awaited."""
    if isinstance(embedder, LangChainEmbeddings):
        return await embedder.aembed_query(query)
    return await _llama_index(embedder).aget_query_embedding(query)


def _llama_index(embedder: Embedder) -> LlamaIndexEmbedding:
    if isinstance(embedder, LlamaIndexEmbedding):
        return embedder
    raise InvalidInputError(
        f"expected an embedding model of LangChain or LlamaIndex, got {type(embedder).__name__}: "
        "pass one with embed_query or get_query_embedding",
    )
