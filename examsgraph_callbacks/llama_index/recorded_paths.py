"""`record_paths` for LlamaIndex's retrievers: the paths that they take through Neo4j, unchanged."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, overload

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import QueryBundle

from examsgraph_callbacks.events import RetrievalParams
from examsgraph_callbacks.graph import tap
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.llama_index.surroundings import surrounding_run

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
    """Record the paths of every retriever of LlamaIndex's until what is returned is called."""
    return _retrievers().record_all(options)


@cache
def _retrievers() -> tap.Retrievers:
    return tap.Retrievers(BaseRetriever, ("_retrieve", "_aretrieve"), _about)


def _about(retriever: BaseRetriever, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tap.About:
    bundle = args[0] if args else kwargs.get("query_bundle")
    return tap.About(
        name=type(retriever).__name__,
        query=bundle.query_str if isinstance(bundle, QueryBundle) else None,
        run_id=surrounding_run(),
        params=_params(retriever),
        documents=_documents,
    )


def _params(retriever: BaseRetriever) -> RetrievalParams:
    """What a property graph's retriever keeps to itself, as far as it does."""
    kept = {
        "depth": getattr(retriever, "_path_depth", None),
        "seeds": getattr(retriever, "_similarity_top_k", None),
        "max_hops": getattr(retriever, "_limit", None),
    }
    threshold = getattr(retriever, "_similarity_score", None)
    return RetrievalParams(
        similarity_threshold=threshold if isinstance(threshold, float) else None,
        **{name: count for name, count in kept.items() if isinstance(count, int)},
    )


def _documents(result: object, limit: int) -> list[dict[str, object]]:
    # read late: LlamaIndex may be half imported when all its retrievers begin to be heard
    from examsgraph_callbacks.llama_index.contents import retrieved_documents

    return retrieved_documents(result, limit)
