"""`ReplayEmbedding`: the recorded vectors of the texts that were embedded."""

from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr

from examsgraph_callbacks.replay import Player

__all__ = ["ReplayEmbedding"]


class ReplayEmbedding(BaseEmbedding):
    """Stands in for the embedding model `model`; vectors are as exact as float32 is.

    Needs a recording made with `EXAMSGRAPH_CAPTURE_EMBEDDINGS=true`; a text that was not embedded then
    raises `ReplayMissError`.
    """

    _player: Player = PrivateAttr()

    def __init__(self, player: Player, model: str, **kwargs: Any) -> None:
        super().__init__(model_name=model, **kwargs)
        self._player = player

    @classmethod
    def class_name(cls) -> str:
        return "ReplayEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._player.vector(self.model_name, text)
