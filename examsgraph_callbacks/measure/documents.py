"""How many tokens a retrieved document takes in a prompt: always an estimate."""

from examsgraph_callbacks.events import RetrievedDocument
from examsgraph_callbacks.measure.encodings import token_counter

__all__ = ["document_tokens"]


def document_tokens(document: RetrievedDocument, model: str | None = None) -> int | None:
    """The tokens of the document's text in the encoding of `model`, o200k_base where that is not known.

    Of a text that was cut when it was recorded, the whole is taken to be like its beginning. None where
    no text was recorded. Raises `ExamsGraphError` where the ranks that ship with this package are damaged.
    """
    if not document.content:
        return None if document.content_length else 0
    tokens = token_counter(model)(document.content)
    return round(tokens * max(1.0, document.content_length / len(document.content)))
