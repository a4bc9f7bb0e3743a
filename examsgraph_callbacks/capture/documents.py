"""Retrieved documents as facts keep them: cut at the cap, with the length and hash of the whole."""

import sys
from array import array
from collections.abc import Mapping

import xxhash

from examsgraph_callbacks.capture.content import cut, plain

__all__ = ["recorded_document"]

_SCORE_KEYS = ("similarity_score", "score", "relevance_score", "_score")

_WIDE = "w" if sys.version_info >= (3, 13) else "u"
_WIDE_IS_UTF_32_LE = array(_WIDE).itemsize == 4 and sys.byteorder == "little"


def recorded_document(
    text: str,
    metadata: Mapping[str, object],
    document_id: str | None,
    limit: int,
) -> dict[str, object]:
    """A `RetrievedDocument`'s fields, its text cut at `limit` characters.

    The score is the metadata's `similarity_score`, `score`, `relevance_score` or `_score`.
    """
    length = len(text)
    fields: dict[str, object] = {"content": text, "content_length": length}
    if length > limit:
        fields = {"content": cut(text, limit), "content_length": length, "content_hash": _hash(text)}
    if document_id is not None:
        fields["id"] = document_id
    if metadata:
        fields["metadata"] = plain(metadata)
        if (score := _score(metadata)) is not None:
            fields["score"] = score
    return fields


def _score(metadata: Mapping[str, object]) -> float | None:
    for key in _SCORE_KEYS:
        score = metadata.get(key)
        if isinstance(score, (int, float)):
            return float(score)
    return None


def _hash(text: str) -> str:
    if text.isascii():
        return xxhash.xxh3_128_hexdigest(text.encode())
    if _WIDE_IS_UTF_32_LE:
        # the same bytes in a sixth of the time that encoding takes
        return xxhash.xxh3_128_hexdigest(array(_WIDE, text))
    return xxhash.xxh3_128_hexdigest(text.encode("utf-32-le", "surrogatepass"))
