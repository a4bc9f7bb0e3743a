"""neo4j-graphrag's retrievers, which no framework tells of."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from examsgraph_callbacks.capture import recorded_document
from examsgraph_callbacks.graph.tap.heard_run import About, Options
from examsgraph_callbacks.graph.tap.retrievers import Retrievers

__all__ = ["graphrag_retrievers", "record_all"]


def record_all(options: Options) -> Callable[[], None]:
    """Hear every retriever of neo4j-graphrag until what is returned is called."""
    return graphrag_retrievers().record_all(options)


@cache
def graphrag_retrievers() -> Retrievers:
    """Those that there are, and those that will be; raises `ImportError` without neo4j-graphrag."""
    from neo4j_graphrag.retrievers.base import Retriever

    return Retrievers(Retriever, ("search",), _about)


def _about(retriever: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> About:
    # some take the query's vector before its text
    query = kwargs.get("query_text") or next((value for value in args if isinstance(value, str)), None)
    return About(name=type(retriever).__name__, query=query, documents=_documents)


def _documents(result: object, limit: int) -> list[dict[str, object]]:
    return [
        recorded_document(
            str(item.content), item.metadata if isinstance(item.metadata, Mapping) else {}, None, limit
        )
        for item in getattr(result, "items", ())
    ]
