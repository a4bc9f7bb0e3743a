"""`ReplayRetriever`: what a retriever returned, and the path that it took, once more."""

import asyncio
import time

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index_instrumentation.span import active_span_id

from examsgraph_callbacks.llama_index.kinds import run_id_of
from examsgraph_callbacks.replay import Player, RecordedRetrieval, failure_of, publish_recorded

__all__ = ["ReplayRetriever"]


class ReplayRetriever(BaseRetriever):
    """Stands in for the retriever that was recorded as `recorded_name` (for any, where None).

    Nodes, scores and errors are as recorded, and an event handler that hears the run records the same path.
    A query that was not recorded raises `ReplayMissError`, and a text that was cut when it was recorded
    `RecordingError`.
    """

    def __init__(self, player: Player, recorded_name: str | None = None) -> None:
        super().__init__()
        self._player = player
        self._recorded_name = recorded_name

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._found(query_bundle)
        if self._player.pace:
            time.sleep(self._player.pace * found.retrieval.latency_ms / 1000)
        return _nodes(found)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._found(query_bundle)
        if self._player.pace:
            await asyncio.sleep(self._player.pace * found.retrieval.latency_ms / 1000)
        return _nodes(found)

    def _found(self, query_bundle: QueryBundle) -> RecordedRetrieval:
        return self._player.retrieval(query_bundle.query_str, self._recorded_name)


def _nodes(found: RecordedRetrieval) -> list[NodeWithScore]:
    span_id = active_span_id.get()
    if span_id is not None:
        publish_recorded(run_id_of(span_id), found.explorations)
    failure = failure_of(found.retrieval)
    if failure is not None:
        raise failure
    return [
        NodeWithScore(
            node=TextNode(
                id_=document.id or "", text=document.content or "", metadata=dict(document.metadata)
            ),
            score=document.score,
        )
        for document in found.retrieval.documents
    ]
