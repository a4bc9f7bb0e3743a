"""The host's objects as plain JSON values, bounded in depth and size, and documents cut at the cap."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass

import xxhash
from pydantic import BaseModel, JsonValue

__all__ = ["cut", "plain", "recorded_document"]

TEXT_LIMIT = 100_000
ITEM_LIMIT = 200
DEPTH_LIMIT = 12

# the longest secret whose beginning alone would not be recognised: an e-mail address (RFC 5321)
_LONGEST_SECRET = 254
_LONGEST_NUMBER = 24  # characters, of a phone number with its separators
_IN_NUMBERS = "0123456789 -.()+"
_ENDS_OF_DIGITS = "0123456789-)"

_SCORE_KEYS = ("similarity_score", "score", "relevance_score", "_score")


def plain(value: object, depth: int = 0) -> JsonValue:
    """`value` as JSON: text over 100,000 characters and lists over 200 items are cut and say so."""
    if value is None or isinstance(value, (str, int)):
        if isinstance(value, str) and len(value) > TEXT_LIMIT:
            return f"{cut(value, TEXT_LIMIT)}… ({len(value)} characters)"
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= DEPTH_LIMIT:
        return f"<{type(value).__name__}>"
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    return _plain_object(value, depth)


def cut(text: str, limit: int) -> str:
    """The first `limit` characters of a longer text, less the word or number that the cut would split.

    Half an address or phone number would not be recognised as one, and so be recorded. A word that
    began long before is split: what is left of a key or token that long is recognised.
    """
    if len(text) <= limit:
        return text
    since = max(0, limit - _LONGEST_SECRET)
    end = max(text.rfind(" ", since, limit), text.rfind("\n", since, limit))
    if end < 0:
        return text[:limit]
    if text[end - 1 : end] in _ENDS_OF_DIGITS:
        since = max(0, end - _LONGEST_NUMBER)
        return text[:since] + text[since:end].rstrip(_IN_NUMBERS)
    return text[:end]


def _plain_object(value: object, depth: int) -> JsonValue:
    if isinstance(value, BaseModel):
        # fields left empty say nothing: a message of LangChain's has half a dozen of them
        return {key: plain(item, depth + 1) for key, item in value if item not in (None, {}, [])}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), depth + 1) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (bytes, bytearray)):
        return _plain_items(value, depth)
    # repr of an unknown object can be slow, huge or private: its type is enough
    return f"<{type(value).__name__}>"


def _plain_items(items: Sequence[object] | set[object] | frozenset[object], depth: int) -> JsonValue:
    kept: list[JsonValue] = []
    for item in items:
        if len(kept) == ITEM_LIMIT:
            kept.append(f"… ({len(items)} items)")
            break
        kept.append(plain(item, depth + 1))
    return kept


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
    fields: dict[str, object] = {
        "id": document_id,
        "score": _score(metadata),
        "content": text,
        "content_length": length,
        "metadata": plain(metadata),
    }
    if length > limit:
        fields["content"] = cut(text, limit)
        fields["content_hash"] = _hash(text)
    return fields


def _score(metadata: Mapping[str, object]) -> float | None:
    for key in _SCORE_KEYS:
        score = metadata.get(key)
        if isinstance(score, (int, float)):
            return float(score)
    return None


def _hash(text: str) -> str:
    # UTF-16 takes a third of the time of UTF-8 where text is not ASCII; half an emoji has a hash too
    encoded = text.encode() if text.isascii() else text.encode("utf-16-le", "surrogatepass")
    return xxhash.xxh3_128_hexdigest(encoded)
