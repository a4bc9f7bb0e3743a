"""`ReplayRetriever`: what a retriever returned, and the path that it took, once more."""

import asyncio
import time
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from examsgraph_callbacks.replay import Player, RecordedRetrieval, failure_of, publish_recorded

__all__ = ["ReplayRetriever", "documents_of"]


class ReplayRetriever(BaseRetriever):
    """Stands in for the retriever that was recorded as `recorded_name` (for any, where None).

    Documents and errors are as recorded, and a handler that hears the run records the same path. A query
    that was not recorded raises `ReplayMissError`, and a document that was cut when it was recorded
    `RecordingError`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    player: Player
    recorded_name: str | None = None

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return super().get_name(suffix, name=name or self.recorded_name)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        found = self.player.retrieval(query, self.recorded_name)
        if self.player.pace:
            time.sleep(self.player.pace * found.retrieval.latency_ms / 1000)
        return documents_of(found, run_manager.run_id)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        found = self.player.retrieval(query, self.recorded_name)
        if self.player.pace:
            await asyncio.sleep(self.player.pace * found.retrieval.latency_ms / 1000)
        return documents_of(found, run_manager.run_id)


def documents_of(found: RecordedRetrieval, run_id: UUID | None) -> list[Document]:
    """The recorded documents, with the recorded paths published under `run_id`; raises as was raised."""
    if run_id is not None:
        publish_recorded(run_id, found.explorations)
    failure = failure_of(found.retrieval)
    if failure is not None:
        raise failure
    return [
        Document(id=document.id, page_content=document.content or "", metadata=dict(document.metadata))
        for document in found.retrieval.documents
    ]
