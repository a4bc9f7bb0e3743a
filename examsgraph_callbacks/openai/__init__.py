"""What only OpenAI's own client knows: its embedding calls, of which no framework tells usage."""

from examsgraph_callbacks.openai.embeddings import record_embeddings
from examsgraph_callbacks.openai.replayed import answer_embeddings

__all__ = ["answer_embeddings", "record_embeddings"]
