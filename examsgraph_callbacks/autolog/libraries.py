"""The libraries that can be listened to: which import makes each listenable, and which room listens."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import TypedDict
    from uuid import UUID

    from examsgraph_callbacks.capture import Recorder, Redact
    from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
    from examsgraph_callbacks.llama_index import ExamsGraphEventHandler

    Stop = Callable[[], None]

    class Source(TypedDict, total=False):
        """Where facts go, and whom they are for where nothing nearer says so; the handlers' arguments."""

        journal: Path | None
        user_id: str | None
        session_id: str | None
        task_type: str | None
        redact: Redact


__all__ = ["LISTENERS"]

# imported when its library is, a room brings in no more than that: handlers are made when they are first used


def _langchain(source: Source) -> Stop:
    from examsgraph_callbacks.langchain.everywhere import attach_everywhere

    def make_handler() -> ExamsGraphCallbackHandler:
        from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler

        return ExamsGraphCallbackHandler(**source)

    return attach_everywhere(make_handler)


def _llama_index(source: Source) -> Stop:
    from examsgraph_callbacks.llama_index.first_span import attach_at_first_span

    def make_handler() -> ExamsGraphEventHandler:
        from examsgraph_callbacks.llama_index import ExamsGraphEventHandler

        return ExamsGraphEventHandler(**source)

    stops = [attach_at_first_span(make_handler), _paths("llama_index.core")(source)]
    return lambda: _stop_all(stops)


def _openai_embeddings(source: Source) -> Stop:
    from examsgraph_callbacks.openai import record_embeddings

    return record_embeddings(lambda: _recorder(source), _surrounding_runs)


# by the module that has a library's retrievers, the one that hears them all
_RETRIEVERS = {
    "langchain_core.retrievers": "examsgraph_callbacks.langchain.recorded_paths",
    "llama_index.core": "examsgraph_callbacks.llama_index.recorded_paths",
    "neo4j_graphrag.retrievers.base": "examsgraph_callbacks.graph.tap.graphrag",
}


def _paths(executed: str) -> Callable[[Source], Stop]:
    """Hear the retrievers of those libraries that are imported, once Neo4j's driver is too.

    `executed` is the module that is imported just now.
    """

    def is_imported(name: str) -> bool:
        module = sys.modules.get(name)
        is_on_its_way = getattr(getattr(module, "__spec__", None), "_initializing", False)
        return name == executed or (module is not None and not is_on_its_way)

    def listen(source: Source) -> Stop:
        libraries = [name for name in _RETRIEVERS if is_imported(name)] if is_imported("neo4j") else []
        if not libraries:
            return lambda: None
        from functools import cache
        from importlib import import_module

        from examsgraph_callbacks.graph.tap import Options
        from examsgraph_callbacks.settings import current_settings

        settings = current_settings()
        options = Options(
            recorder=cache(lambda: _recorder(source)),
            lookup=settings.path_lookup,
            document_limit=settings.document_limit,
        )
        stops = [import_module(_RETRIEVERS[name]).record_all(options) for name in libraries]
        return lambda: _stop_all(stops)

    return listen


def _stop_all(stops: Sequence[Stop]) -> None:
    for stop in stops:
        stop()


LISTENERS: dict[str, Callable[[Source], Stop]] = {
    # where LangChain keeps the hooks that each run asks; imported before the first one at the latest
    "langchain_core.tracers.context": _langchain,
    # imported before every module below it
    "llama_index.core": _llama_index,
    "openai.resources.embeddings": _openai_embeddings,
    # paths are heard where the driver and a library of retrievers are both imported, whichever comes last
    "neo4j": _paths("neo4j"),
    "langchain_core.retrievers": _paths("langchain_core.retrievers"),
    "neo4j_graphrag.retrievers.base": _paths("neo4j_graphrag.retrievers.base"),
}
"""By the module that must be imported first: what begins to listen, and returns what ends it."""


def _recorder(source: Source) -> Recorder:
    from examsgraph_callbacks.capture import Clock, Privacy, Recorder, redact_text
    from examsgraph_callbacks.capture.context import checked
    from examsgraph_callbacks.journal import Journal

    defaults = checked(
        {
            "user_id": source.get("user_id"),
            "session_id": source.get("session_id"),
            "task_type": source.get("task_type"),
        },
    )
    privacy = Privacy.configured(source.get("redact", redact_text))
    return Recorder(Journal(source.get("journal")), defaults, Clock(), privacy)


def _surrounding_runs() -> Iterator[UUID]:
    """The runs around this call, as far as the frameworks in use know of them."""
    if "llama_index.core" in sys.modules:
        from examsgraph_callbacks.llama_index.surroundings import surrounding_run as llama_index_run

        if (span := llama_index_run()) is not None:
            yield span
    if "langchain_core.tracers.context" in sys.modules:
        from examsgraph_callbacks.langchain.surroundings import surrounding_run as langchain_run

        if (run := langchain_run()) is not None:
            yield run
