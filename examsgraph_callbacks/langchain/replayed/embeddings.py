"""`ReplayEmbeddings`: the recorded vectors of the texts that were embedded."""

from langchain_core.embeddings import Embeddings

from examsgraph_callbacks.replay import Player

__all__ = ["ReplayEmbeddings"]


class ReplayEmbeddings(Embeddings):
    """Stands in for the embedding model `model` (any, where None); vectors are as exact as float32 is.

    Needs a recording made with `EXAMSGRAPH_CAPTURE_EMBEDDINGS=true`; a text that was not embedded then
    raises `ReplayMissError`.
    """

    def __init__(self, player: Player, model: str | None = None) -> None:
        self._player = player
        self._model = model

    def embed_query(self, text: str) -> list[float]:
        return self._player.vector(self._model, text)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self._player.vector(self._model, text) for text in texts]

    async def aembed_query(self, text: str) -> list[float]:
        return self.embed_query(text)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)
