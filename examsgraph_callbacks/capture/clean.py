"""Whether there is nothing to redact in content, which is nearly always so: all its texts in one look."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from examsgraph_callbacks.capture.redaction import is_clean
from examsgraph_callbacks.events import Message, Request, RetrievedDocument

__all__ = ["OUR_KEYS", "all_clean", "forget_documents", "names_a_credential"]

OUR_KEYS = frozenset({*Message.model_fields, *Request.model_fields, *RetrievedDocument.model_fields})
"""By which content is put together; they are no secret, and a fact without them no fact."""

_CREDENTIAL = re.compile(r"(?i:api[_-]?key|authorization)\Z")
_FIGURES = frozenset({bool, float, int, type(None)})
_REMEMBERED = 4096

_plain_keys: set[str] = set(OUR_KEYS)
"""Keys that were seen to be no secret and to name none: they come again and again."""

_clean_documents: dict[str, int] = {}
"""Hashes of documents that were seen to have no secret in their first so many characters.

A retriever returns the same documents again and again; to search them is half of what a retrieval costs.
"""


def all_clean(content: Mapping[str, object]) -> bool:
    """Whether no text and no key in these fields of a fact holds a secret, nor any key names one."""
    texts: list[str] = []
    searched: list[Mapping[str, object]] = []
    for name, value in content.items():
        values = _not_searched_before(value, searched) if name == "documents" else (value,)
        if not _gather(values, texts):
            return False
    if not is_clean("\n".join(texts)):
        return False
    _remember(searched)
    return True


def forget_documents() -> None:
    """Search every document anew from now on."""
    _clean_documents.clear()


@lru_cache(maxsize=1024)
def names_a_credential(key: str) -> bool:
    """Whether the text under that key is a credential, whatever it looks like."""
    return _CREDENTIAL.search(key) is not None


def _gather(values: Iterable[object], texts: list[str]) -> bool:
    """Collect all texts of JSON values; False where there is more to see than texts."""
    for value in values:
        kind = value.__class__
        if kind is str:
            texts.append(value)  # type: ignore[arg-type]  # what its class is, isinstance asks more slowly
        elif kind in _FIGURES:
            continue
        elif isinstance(value, dict):
            if not ((_plain_keys.issuperset(value) or _are_plain(value)) and _gather(value.values(), texts)):
                return False
        elif not (isinstance(value, (list, tuple)) and _gather(value, texts)):
            return False
    return True


def _are_plain(keys: Iterable[str]) -> bool:
    for key in keys:
        if not is_clean(key) or names_a_credential(key):
            return False
        if len(_plain_keys) < _REMEMBERED:
            _plain_keys.add(key)
    return True


def _not_searched_before(documents: object, searched: list[Mapping[str, object]]) -> list[object]:
    """What is to be searched of the documents; those whose text is among it join `searched`."""
    if not isinstance(documents, (list, tuple)):
        return [documents]
    values: list[object] = []
    for document in documents:
        digest, content = document.get("content_hash"), document.get("content")
        if digest is not None and _clean_documents.get(digest) == len(content):
            values += (document.get("id"), document.get("metadata"))
        else:
            values.append(document)
            searched.append(document)
    return values


def _remember(searched: Iterable[Mapping[str, object]]) -> None:
    if len(_clean_documents) >= _REMEMBERED:
        forget_documents()
    for document in searched:
        digest, content = document.get("content_hash"), document.get("content")
        if isinstance(digest, str) and isinstance(content, str):
            _clean_documents[digest] = len(content)
