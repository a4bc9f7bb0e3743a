"""`record_paths` for LangChain's retrievers: the paths that they take through Neo4j, unchanged."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, overload

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from examsgraph_callbacks.capture import recorded_document
from examsgraph_callbacks.events import RetrievalParams
from examsgraph_callbacks.graph import tap
from examsgraph_callbacks.journal import Journal

__all__ = ["record_all", "record_paths"]

Recorded = TypeVar("Recorded")


@overload
def record_paths(
    *,
    query: str | None = None,
    journal: Journal | str | Path | None = None,
    lookup: bool | None = None,
    name_property: str | None = None,
) -> tap.RecordedPaths: ...


@overload
def record_paths(
    retriever: Recorded,
    *,
    journal: Journal | str | Path | None = None,
    lookup: bool | None = None,
    name_property: str | None = None,
) -> Recorded: ...


def record_paths(
    retriever: Any = None,
    *,
    query: str | None = None,
    journal: Journal | str | Path | None = None,
    lookup: bool | None = None,
    name_property: str | None = None,
) -> Any:
    """Record the paths that the retriever's Neo4j queries take, from now on; returns the same retriever.

    A handler that hears the retriever's run records them with it. Where none does, the run becomes a
    retrieval of its own in `journal`. It takes retrievers of neo4j-graphrag and functions, a tool's too, as
    well, and without either a block of code: `examsgraph_callbacks.graph.tap.record_paths` says the rest.
    """
    if isinstance(retriever, BaseRetriever):
        options = tap.options_of(journal, lookup=lookup, name_property=name_property)
        _retrievers().record(retriever, options)
        return retriever
    if retriever is None:
        return tap.record_paths(query=query, journal=journal, lookup=lookup, name_property=name_property)
    return tap.record_paths(retriever, journal=journal, lookup=lookup, name_property=name_property)


def record_all(options: tap.Options) -> Callable[[], None]:
    """Record the paths of every retriever of LangChain's until what is returned is called."""
    return _retrievers().record_all(options)


@cache
def _retrievers() -> tap.Retrievers:
    methods = ("_get_relevant_documents", "_aget_relevant_documents")
    return tap.Retrievers(BaseRetriever, methods, _about)


def _about(retriever: BaseRetriever, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tap.About:
    query = args[0] if args else kwargs.get("query")
    return tap.About(
        name=retriever.get_name(),
        query=query if isinstance(query, str) else None,
        run_id=getattr(kwargs.get("run_manager"), "run_id", None),
        params=_params(retriever),
        documents=_documents,
    )


def _params(retriever: BaseRetriever) -> RetrievalParams:
    """What a vector store's retriever tells: how many documents, and how good they must be."""
    search = getattr(retriever, "search_kwargs", None)
    if not isinstance(search, dict):
        return RetrievalParams()
    seeds, threshold = search.get("k"), search.get("score_threshold")
    return RetrievalParams(
        seeds=seeds if isinstance(seeds, int) else None,
        similarity_threshold=threshold if isinstance(threshold, float) else None,
    )


def _documents(result: object, limit: int) -> list[dict[str, object]]:
    documents = result if isinstance(result, list) else []
    return [
        recorded_document(document.page_content, document.metadata, document.id, limit)
        for document in documents
        if isinstance(document, Document)
    ]
