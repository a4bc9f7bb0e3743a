"""`record_paths`: the paths that an existing retriever, function or block of code takes, unchanged."""

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import isasyncgenfunction, isclass, iscoroutinefunction, isgeneratorfunction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, overload
from weakref import finalize

from examsgraph_callbacks.capture import Clock, Privacy, Recorder
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.graph.tap.driver import listen_to_the_driver
from examsgraph_callbacks.graph.tap.graphrag import graphrag_retrievers
from examsgraph_callbacks.graph.tap.heard_run import About, HeardRun, Options, begin_heard_run
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.settings import current_settings

__all__ = ["RecordedPaths", "options_of", "record_paths"]

Recorded = TypeVar("Recorded")


@overload
def record_paths(
    *,
    query: str | None = None,
    journal: Journal | str | Path | None = None,
    lookup: bool | None = None,
    name_property: str | None = None,
) -> "RecordedPaths": ...


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
    """Record the paths that its Neo4j queries take, from now on; returns the same retriever.

    ```python
    retriever = record_paths(VectorCypherRetriever(driver, "concepts", retrieval_query, embedder))

    @record_paths                          # a function, synchronous or not
    def ask_graph(question: str): ...

    with record_paths(query=question):     # or a block: async with, where its driver is asynchronous
        driver.execute_query(...)
    ```

    Hops are read from the paths, relationships and triplets that the retriever's own Cypher returns. Each
    run becomes an `exploration` fact of the run around it, where one is recorded, and of a trace of its own
    in `journal` (a `Journal`, its path, or None for the configured place) where none is. Scores come from
    the query's vector and the nodes' embeddings. Where records come without these, one question more is
    put to the database when the retriever is done, unless `lookup` is false (None: as
    `EXAMSGRAPH_PATH_LOOKUP` says). `name_property` names nodes, before `name`, `title` and `id`. What
    cannot be seen, the fact's `uncaptured` says.

    Raises `InvalidInputError` for what is neither a retriever of neo4j-graphrag nor a function, where the
    journal's place is a file or `EXAMSGRAPH_USER_KEY` is no key; nothing later reaches the application.
    """
    options = options_of(journal, lookup=lookup, name_property=name_property)
    if retriever is None:
        return RecordedPaths(options, query)
    if _is_of_graphrag(retriever):
        graphrag_retrievers().record(retriever, options)
        return retriever
    if isgeneratorfunction(retriever) or isasyncgenfunction(retriever):
        raise InvalidInputError(
            f"expected a function that returns when it is done, got the generator function "
            f"{retriever.__name__}: write  with record_paths():  around its queries",
        )
    if callable(retriever) and not isclass(retriever):
        return _recorded_function(retriever, options)
    raise InvalidInputError(
        f"expected a retriever of neo4j-graphrag or a function, got {type(retriever).__name__}: "
        "for a retriever of LangChain's or LlamaIndex's, import record_paths from "
        "examsgraph_callbacks.langchain or examsgraph_callbacks.llama_index",
    )


def options_of(
    journal: Journal | str | Path | None,
    *,
    lookup: bool | None,
    name_property: str | None,
) -> Options:
    """The arguments of `record_paths` as options; raises `InvalidInputError` as it does."""
    place = journal if isinstance(journal, Journal) else Journal(journal)
    recorder = Recorder(place, {}, Clock(), Privacy.configured())
    settings = current_settings()
    return Options(
        recorder=lambda: recorder,
        lookup=settings.path_lookup if lookup is None else lookup,
        document_limit=settings.document_limit,
        name_property=name_property,
    )


class RecordedPaths:
    """What runs in its block is one retriever run; enter it with `async with` in asynchronous code."""

    def __init__(self, options: Options, query: str | None) -> None:
        self._options = options
        self._about = About(name="record_paths", query=query)
        self._stop_listening: Callable[[], None] | None = None
        self._run: HeardRun | None = None

    def __enter__(self) -> Self:
        self._stop_listening = listen_to_the_driver()
        self._run = begin_heard_run(self._options, lambda: self._about)
        if self._run is not None:
            self._run.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._run is not None:
                self._run.__exit__(kind, error, traceback)
        finally:
            self._stop()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._run is not None:
                await self._run.__aexit__(kind, error, traceback)
        finally:
            self._stop()

    def _stop(self) -> None:
        if self._stop_listening is not None:
            self._stop_listening()


def _is_of_graphrag(retriever: object) -> bool:
    # who has one has imported it
    module = sys.modules.get("neo4j_graphrag.retrievers.base")
    return module is not None and isinstance(retriever, module.Retriever)


def _recorded_function(function: Callable[..., Any], options: Options) -> Callable[..., Any]:
    name = getattr(function, "__name__", type(function).__name__)

    def begin(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> HeardRun | None:
        texts = (value for value in (*args, *kwargs.values()) if isinstance(value, str))
        return begin_heard_run(options, lambda: About(name=name, query=next(texts, None)))

    if iscoroutinefunction(function):

        @wraps(function)
        async def recorded_async(*args: Any, **kwargs: Any) -> Any:
            run = begin(args, kwargs)
            if run is None:
                return await function(*args, **kwargs)
            async with run:
                return await function(*args, **kwargs)

        finalize(recorded_async, listen_to_the_driver()).atexit = False
        return recorded_async

    @wraps(function)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        run = begin(args, kwargs)
        if run is None:
            return function(*args, **kwargs)
        with run:
            return function(*args, **kwargs)

    finalize(recorded, listen_to_the_driver()).atexit = False
    return recorded
