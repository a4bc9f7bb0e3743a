"""Embedded texts and their vectors as facts keep them, where replay is to have them again."""

import base64
import hashlib
import sys
from array import array
from collections.abc import Iterable, Sequence

__all__ = ["embedded_texts", "packed_vectors", "unpacked_vector"]


def embedded_texts(given: object) -> list[str]:
    """The texts of an embedding request: a text, texts, the tokens of a text, or those of texts.

    Of tokens, which nothing could be redacted in, only a hash is told.
    """
    if isinstance(given, str):
        return [given]
    if not isinstance(given, Sequence):
        return []
    if given and isinstance(given[0], int):
        return [_hash_of_tokens(given)]
    return [item if isinstance(item, str) else _hash_of_tokens(item) for item in given]


def packed_vectors(vectors: Iterable[Sequence[float] | str]) -> list[str]:
    """Each vector in base64, as little-endian float32; what comes in base64 is so already."""
    return [vector if isinstance(vector, str) else _packed(vector) for vector in vectors]


def unpacked_vector(packed: str) -> list[float]:
    """The vector that was packed, as exact as float32 is; raises `ValueError` where it is none."""
    numbers = array("f")
    numbers.frombytes(base64.b64decode(packed, validate=True))
    return _swapped_if_big(numbers).tolist()


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(_swapped_if_big(array("f", vector)).tobytes()).decode()


def _swapped_if_big(numbers: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _hash_of_tokens(tokens: object) -> str:
    digest = hashlib.blake2b(repr(list(tokens)).encode(), digest_size=16)  # type: ignore[call-overload]
    return f"tokens:{digest.hexdigest()}"
