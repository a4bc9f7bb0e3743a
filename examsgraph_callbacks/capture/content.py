"""The host's objects as plain JSON values, bounded in depth, length and number."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import groupby

import xxhash
from pydantic import BaseModel, JsonValue

from examsgraph_callbacks.capture.told_apart import Hashes

__all__ = ["cut", "joined_texts", "plain"]

TEXT_LIMIT = 100_000  # characters of one text
ITEM_LIMIT = 200  # items of one list
DEPTH_LIMIT = 12
CHARACTER_LIMIT = 1_000_000  # in all
TOTAL_ITEM_LIMIT = 10_000
SHORT_TEXT = 64  # characters, which are let through when there are no more left

# the longest secret whose beginning alone would not be recognised: an e-mail address (RFC 5321)
_LONGEST_SECRET = 254
_LONGEST_NUMBER = 24  # characters, of a phone number with its separators
_IN_NUMBERS = "0123456789 -.()+\u00a0\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"
_ENDS_OF_DIGITS = "0123456789-)\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"
# what a word is made of that may be a secret, where no spaces tell words apart: in JSON, lists, Korean
_NO_SECRET = re.compile(r"""[^!-~]|["',;<>(){}\[\]`|]""")
_IN_URLS = "&?=/:"


def plain(value: object) -> JsonValue:
    """`value` as JSON.

    Texts over 100,000 characters, lists over 200 items, what lies deeper than 12 levels and what comes
    after 10,000 items or 1,000,000 characters are cut and say so. Of a cut text, of what lies too deep and of
    bytes, a hash (XXH3, 128 bits) is told.
    """
    return _Copy().of(value, 0)


def joined_texts(content: object) -> object:
    """A message's content with text blocks that follow on each other as one, where it is a list of blocks.

    Some streams bring a block a chunk: a secret would stand in two of them, where nobody recognises it, and
    a long answer be cut as a list that is too long.
    """
    if not isinstance(content, list) or len(content) < 2:
        return content
    joined: list[object] = []
    for are_texts, blocks in groupby(content, _is_text_alone):
        if are_texts:
            joined.append({"type": "text", "text": "".join(block["text"] for block in blocks)})
        else:
            joined += blocks
    return joined


def _is_text_alone(block: object) -> bool:
    return (
        isinstance(block, dict)
        and block.keys() == {"type", "text"}
        and block["type"] == "text"
        and isinstance(block["text"], str)
    )


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
        end = _end_of_what_is_no_secret(text, since, limit)
    if end < 0:
        return text[:limit]
    if text[end - 1 : end] in _ENDS_OF_DIGITS:
        since = max(0, end - _LONGEST_NUMBER)
        return text[:since] + text[since:end].rstrip(_IN_NUMBERS)
    return text[:end]


def _end_of_what_is_no_secret(text: str, since: int, limit: int) -> int:
    """Where the word that is split begins, in a text without spaces; -1 where it is all one word."""
    end = text[since:limit]
    if end.isascii() and end.isalnum():
        # nearly all that is so long and has no spaces, and known in a hundredth of the time
        return -1
    if last := _NO_SECRET.search(end[::-1]):
        return limit - last.start()
    return max(text.rfind(sign, since, limit) for sign in _IN_URLS)


def _hash(whole: bytes | bytearray) -> str:
    return xxhash.xxh3_128_hexdigest(whole)


class _Copy:
    """One value's copy in the making, and how much more it may hold."""

    __slots__ = ("_hashes", "characters_left", "items_left")

    def __init__(self) -> None:
        self.characters_left = CHARACTER_LIMIT
        self.items_left = TOTAL_ITEM_LIMIT
        self._hashes: Hashes | None = None

    def of(self, value: object, depth: int) -> JsonValue:
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if self.items_left <= 0:
            return f"<{type(value).__name__}>"
        if depth >= DEPTH_LIMIT:
            # by the hash, as of texts that are cut
            self._hashes = self._hashes or Hashes()
            return f"<{type(value).__name__}, {self._hashes.of(value)}>"
        return self._mapping(value, depth + 1) if isinstance(value, dict) else self._object(value, depth + 1)

    def _text(self, text: str) -> str:
        length, left = len(text), self.characters_left
        self.characters_left = left - length
        if text.__class__ is not str:
            # LangChain's parsers give a subclass, which is no plain JSON to those who look for one
            text = str(text)
        if length <= SHORT_TEXT or (length <= left and length <= TEXT_LIMIT):
            return text
        limit = min(TEXT_LIMIT, max(left, SHORT_TEXT))
        # by the hash, two that begin alike are told apart: images, of which replay must not mistake one
        return f"{cut(text, limit)}… ({len(text)} characters, {_hash(text.encode('utf-8', 'surrogatepass'))})"

    def _object(self, value: object, depth: int) -> JsonValue:
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, BaseModel):
            # fields left empty say nothing: a message of LangChain's has half a dozen of them
            return self._mapping({key: item for key, item in value if item not in (None, {}, [])}, depth)
        if is_dataclass(value) and not isinstance(value, type):
            return self._mapping({field.name: getattr(value, field.name) for field in fields(value)}, depth)
        if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (bytes, bytearray)):
            return self._list(value, depth)
        if isinstance(value, (bytes, bytearray)):
            return f"<{type(value).__name__} of {len(value)}, {_hash(value)}>"
        # repr of an unknown object can be slow, huge or private: its type is enough
        return f"<{type(value).__name__}>"

    def _mapping(self, value: Mapping[object, object], depth: int) -> JsonValue:
        copy: dict[str, JsonValue] = {}
        for key, item in value.items():
            if self.items_left <= 0:
                copy["…"] = f"({len(value)} items)"
                break
            self.items_left -= 1
            copy[key if isinstance(key, str) else str(key)] = self.of(item, depth)
        return copy

    def _list(self, items: Sequence[object] | set[object] | frozenset[object], depth: int) -> JsonValue:
        copy: list[JsonValue] = []
        for item in items:
            if len(copy) == ITEM_LIMIT or self.items_left <= 0:
                copy.append(f"… ({len(items)} items)")
                break
            self.items_left -= 1
            copy.append(self.of(item, depth))
        return copy
