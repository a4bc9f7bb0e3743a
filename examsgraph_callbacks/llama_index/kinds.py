"""What a span is, by whose method it spans: a call, a retrieval, a tool, a possible turn, or plumbing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import BoundArguments
from uuid import NAMESPACE_OID, UUID, uuid5

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.schema import TransformComponent
from llama_index.core.tools import BaseTool

from examsgraph_callbacks.events import EmbeddingCall, LLMCall, Retrieval, RunFact, ToolCall, Trace

__all__ = ["Span", "provider_of", "run_id_of"]

_CHAT_METHODS = {"chat", "stream_chat", "achat", "astream_chat"}
_COMPLETION_METHODS = {"complete", "stream_complete", "acomplete", "astream_complete"}
_EMBEDDING_METHODS = {"get_query_embedding", "get_text_embedding", "get_text_embedding_batch"}
_TOOL_METHODS = {"__call__", "call", "acall"}
_FACTS: tuple[tuple[type, set[str], type[RunFact]], ...] = (
    (BaseLLM, _CHAT_METHODS | _COMPLETION_METHODS, LLMCall),
    (BaseEmbedding, _EMBEDDING_METHODS | {f"a{method}" for method in _EMBEDDING_METHODS}, EmbeddingCall),
    (BaseRetriever, {"retrieve", "aretrieve"}, Retrieval),
    (BaseTool, _TOOL_METHODS, ToolCall),
)
_UUID_LENGTH = 36  # characters, dashes and all

# a package's name, where it is not what the provider is called elsewhere
_PROVIDERS = {"azure_openai": "azure"}


@dataclass(frozen=True, slots=True)
class Span:
    """A span as LlamaIndex tells of its beginning; `tags` are the instrument tags around it.

    `span_id` is class and method (or the function's name) and a UUID: `OpenAI.chat-0f0e…`.
    """

    span_id: str
    arguments: BoundArguments
    instance: object
    parent_span_id: str | None
    tags: Mapping[str, object] | None

    @property
    def run_id(self) -> UUID:
        """The id of the run that the span becomes."""
        return run_id_of(self.span_id)

    @property
    def parent_run_id(self) -> UUID | None:
        """The id of the run that the span around it became."""
        return None if self.parent_span_id is None else run_id_of(self.parent_span_id)

    @property
    def label(self) -> str:
        """Class and method, or the function's name."""
        return _label(self.span_id)

    @property
    def fact(self) -> type[RunFact] | None:
        """The fact that the span becomes, a `Trace` only where it is the topmost; None for plumbing."""
        owner: type = type(self.instance)
        return _fact_of(owner, _method(self.span_id))

    @property
    def is_within_a_tool(self) -> bool:
        """Whether it was entered right from a tool's own method, as far as names say."""
        return self.parent_span_id is not None and _method(self.parent_span_id) in _TOOL_METHODS


@lru_cache(maxsize=256)  # asked for again with every token of a stream
def run_id_of(span_id: str) -> UUID:
    """The UUID that ends a span's id; one made of the whole id where none does."""
    try:
        return UUID(span_id[-_UUID_LENGTH:])
    except ValueError:
        return uuid5(NAMESPACE_OID, span_id)


@lru_cache(maxsize=1024)
def provider_of(owner: type) -> str | None:
    """Whose model it is: the integration package (`llama_index.llms.openai`) that the class comes from."""
    for base in owner.__mro__:
        package = base.__module__.split(".")
        if package[0] == "llama_index" and package[1] in {"llms", "embeddings"}:
            return _PROVIDERS.get(package[2], package[2])
    return None


@lru_cache(maxsize=1024)
def _fact_of(owner: type, method: str) -> type[RunFact] | None:
    for base, methods, fact in _FACTS:
        if method in methods and issubclass(owner, base):
            return fact
    # private methods, and the steps of an ingestion, are no turns even where they are called by themselves
    return None if method.startswith("_") or issubclass(owner, TransformComponent) else Trace


def _label(span_id: str) -> str:
    return span_id[: -_UUID_LENGTH - 1]


def _method(span_id: str) -> str:
    return _label(span_id).rpartition(".")[2]
