"""The exam questions' shipped vectors, in the place of an embedding model."""

from collections.abc import Iterable

from langchain_core.embeddings import Embeddings

from examsgraph_callbacks.demo.questions import Question
from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["QuestionVectors"]


class QuestionVectors(Embeddings):
    """Looks a question's vector up by its text; raises `InvalidInputError` for any other text."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._vectors = {question.question: list(question.embedding) for question in questions}

    def embed_query(self, text: str) -> list[float]:
        if text not in self._vectors:
            raise InvalidInputError(
                f"expected one of the demo's {len(self._vectors)} questions, got {text!r}"
            )
        return self._vectors[text]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]
