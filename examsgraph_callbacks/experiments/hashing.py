"""Where a learner falls: GrowthBook's hashing, so that its SDKs hand out the same.

Source: docs.growthbook.io/lib/build-your-own, specification 0.7.1.

FNV-1a in 32 bits (Fowler, Noll, Vo), over the UTF-16 code units of the text as its SDKs do in JavaScript
and Python.
"""

from collections.abc import Sequence

__all__ = ["Range", "bucket", "bucket_ranges", "choose", "namespace_bucket"]

Range = tuple[float, float]
"""From (included) to (excluded), both from 0 to 1."""

_OFFSET_BASIS = 0x811C9DC5
_PRIME = 0x01000193
_MASK = 0xFFFFFFFF


def bucket(seed: str, value: str) -> float:
    """The place of `value` from 0 to 0.9999, in steps of 0.0001: GrowthBook's `hash(seed, value, 2)`."""
    return _fnv1a(str(_fnv1a(seed + value))) % 10_000 / 10_000


def namespace_bucket(namespace: str, value: str) -> float:
    """The place of `value` in a namespace, from 0 to 0.999: GrowthBook's `hash("__" + name, value, 1)`."""
    return _fnv1a(f"{value}__{namespace}") % 1_000 / 1_000


def bucket_ranges(weights: Sequence[float], coverage: float = 1.0) -> tuple[Range, ...]:
    """Each variant's range: it begins where the one before it would end at full coverage.

    So nobody changes the variant when the coverage grows. `weights` add up to 1, `coverage` is from 0 to 1.
    """
    ranges: list[Range] = []
    begin = 0.0
    for weight in weights:
        ranges.append((begin, begin + coverage * weight))
        begin += weight
    return tuple(ranges)


def choose(place: float, ranges: Sequence[Range]) -> int | None:
    """The number of the range that `place` falls into; None where it falls into none."""
    for number, (begin, end) in enumerate(ranges):
        if begin <= place < end:
            return number
    return None


def _fnv1a(text: str) -> int:
    value = _OFFSET_BASIS
    if text.isascii():
        for unit in text.encode():
            value = ((value ^ unit) * _PRIME) & _MASK
        return value
    units = text.encode("utf-16-le", "surrogatepass")
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = ((value ^ (low | high << 8)) * _PRIME) & _MASK
    return value
