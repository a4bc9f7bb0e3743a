"""A hash of what a copy leaves out, by which two values that begin alike are told apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from uuid import uuid4

import xxhash
from pydantic import BaseModel

__all__ = ["Hashes"]

_MOST = 20_000  # values in all: one that holds itself has no end


class Hashes:
    """The hashes of what one copy leaves out, which together look at 20,000 values."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _MOST

    def of(self, value: object) -> str:
        """XXH3, 128 bits, of all that is in a value, in hexadecimal digits.

        Equal values have equal hashes; the order of keys and of sets says nothing. Where nobody can say in
        time what a value equals, its hash is like no other, not even its own again.
        """
        digest = xxhash.xxh3_128()
        waiting = [value]
        while waiting and self._left > 0:
            self._left -= 1
            sign, content, inner = _taken_apart(waiting.pop())
            # with its length before it, nothing can be taken for a part of what follows
            digest.update(f"{sign}{len(content)}:".encode())
            digest.update(content)
            waiting += inner
        return uuid4().hex if waiting else digest.hexdigest()


def _taken_apart(value: object) -> tuple[str, bytes, Iterable[object]]:
    """The kind of a value, what it says itself, and the values in it."""
    if value is None or isinstance(value, (str, bytes, bytearray, bool, int, float)):
        return _alone(value)
    if isinstance(value, BaseModel):
        value = dict(value)
    elif is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        items = sorted(((str(key), item) for key, item in value.items()), key=lambda each: each[0])
        return "m", str(len(items)).encode(), [part for item in items for part in item]
    if isinstance(value, (set, frozenset)):
        return "u", str(len(value)).encode(), sorted(map(repr, value))
    if isinstance(value, Sequence):
        return "l", str(len(value)).encode(), value
    return "o", type(value).__name__.encode(), ()


def _alone(value: str | bytes | bytearray | float | None) -> tuple[str, bytes, Iterable[object]]:
    if isinstance(value, str):
        return "s", value.encode("utf-8", "surrogatepass"), ()
    if isinstance(value, (bytes, bytearray)):
        return "b", bytes(value), ()
    return "n", repr(value).encode(), ()
