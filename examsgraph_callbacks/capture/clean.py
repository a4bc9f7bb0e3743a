"""Whether there is nothing to redact in content, which is nearly always so: all its texts in one look."""

from collections.abc import Iterable, Mapping

from examsgraph_callbacks.capture.named import VALUE_KEYS, names_a_credential, pair_named
from examsgraph_callbacks.capture.redaction import SHORTEST, is_clean
from examsgraph_callbacks.events import Message, Request, RetrievedDocument

__all__ = ["OUR_KEYS", "all_clean", "forget_documents"]

OUR_KEYS = frozenset({*Message.model_fields, *Request.model_fields, *RetrievedDocument.model_fields})
"""By which content is put together; they are no secret, and a fact without them no fact."""

_FIGURES = frozenset({bool, float, int, type(None)})
_REMEMBERED = 4096

_plain_keys: set[str] = set(OUR_KEYS)
"""Keys that were seen to be no secret and to name none: they come again and again."""

_FEW = 8  # texts: more at once are documents, which are remembered by their hashes

_lately_clean: tuple[str, ...] = ()
"""Texts that were seen to have no secret a moment ago: a turn's question and answer are often its call's."""

_clean_documents: dict[str, int] = {}
"""Hashes of documents that were seen to have no secret in their first so many characters.

A retriever returns the same documents again and again; to search them is half of what a retrieval costs.
"""


def all_clean(fields: Mapping[str, object], names: Iterable[str]) -> bool:
    """Whether no text and no key in the fields of these names holds a secret, nor any key names one."""
    values: list[object] = []
    searched: list[Mapping[str, object]] = []
    for name in names:
        value = fields.get(name)
        if name == "documents":
            _add_not_searched_before(value, values, searched)
        else:
            values.append(value)
    texts = _texts(values)
    if texts is None or not _are_clean(texts):
        return False
    if searched:
        _remember(searched)
    return True


def forget_documents() -> None:
    """Search every document anew from now on."""
    _clean_documents.clear()


def _texts(values: list[object]) -> list[str] | None:
    """The texts of JSON values that are long enough to hold a secret; None where there is more to see."""
    texts: list[str] = []
    # the list grows by what its values hold; a call for each of those would take as long as all the rest
    for value in values:
        kind = value.__class__
        if kind is str:  # which isinstance asks more slowly
            if len(value) >= SHORTEST:  # type: ignore[arg-type]
                texts.append(value)  # type: ignore[arg-type]
        elif kind is dict:
            if not (_plain_keys.issuperset(value) or _are_plain(value)):  # type: ignore[arg-type]
                return None
            values += value.values()  # type: ignore[attr-defined]
        elif kind is list or kind is tuple:
            values += value  # type: ignore[arg-type]
        elif kind not in _FIGURES:
            return None
    return texts


def _are_clean(texts: list[str]) -> bool:
    global _lately_clean  # noqa: PLW0603 - one tuple after the other, which threads may look through
    if len(texts) > _FEW:
        return is_clean("\n".join(texts))
    new = [text for text in texts if text not in _lately_clean]
    if new:
        if not is_clean("\n".join(new)):
            return False
        _lately_clean = (*new, *_lately_clean)[:_FEW]
    return True


def _are_plain(mapping: Mapping[str, object]) -> bool:
    for key in mapping:
        if key in VALUE_KEYS:
            # never plain for all: of what it is the value stands beside it
            if pair_named(mapping) is not None:
                return False
            continue
        if not is_clean(key) or names_a_credential(key):
            return False
        if len(_plain_keys) < _REMEMBERED:
            _plain_keys.add(key)
    return True


def _add_not_searched_before(
    documents: object,
    values: list[object],
    searched: list[Mapping[str, object]],
) -> None:
    """Add to `values` what is to be searched of documents, and to `searched` those whose text is among it."""
    if not isinstance(documents, (list, tuple)):
        values.append(documents)
        return
    for document in documents:
        digest, content = document.get("content_hash"), document.get("content")
        if digest is not None and _clean_documents.get(digest) == len(content):
            values += (document.get("id"), document.get("metadata"))
        else:
            values.append(document)
            searched.append(document)


def _remember(searched: list[Mapping[str, object]]) -> None:
    if len(_clean_documents) >= _REMEMBERED:
        forget_documents()
    for document in searched[:_REMEMBERED]:
        digest, content = document.get("content_hash"), document.get("content")
        if isinstance(digest, str) and isinstance(content, str):
            _clean_documents[digest] = len(content)
