"""Learners fall where GrowthBook's SDKs let them fall: its published test vectors (specification 0.7.1)."""

import random

import pytest
from growthbook import core

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.experiments import PromptExperiment
from examsgraph_callbacks.experiments.hashing import (
    Range,
    bucket,
    bucket_ranges,
    choose,
    namespace_bucket,
)

HALVES = ((0.0, 0.5), (0.5, 1.0))
REDUCED = ((0.0, 0.25), (0.5, 0.75))


@pytest.mark.parametrize(
    ("seed", "value", "place"),
    [
        ("seed", "a", 0.0505),
        ("seed", "b", 0.2696),
        ("foo", "ab", 0.2575),
        ("foo", "def", 0.2019),
        ("89123klj", "8952klfjas09ujkasdf", 0.124),
        ("90850943850283058242805", "123", 0.7516),
        ("()**(%$##$%#$#", '___)((*":&', 0.0128),
    ],
)
def test_the_hash_is_growthbooks(seed: str, value: str, place: float) -> None:
    assert bucket(seed, value) == place


@pytest.mark.parametrize(
    ("weights", "coverage", "ranges"),
    [
        ([0.5, 0.5], 1, [(0, 0.5), (0.5, 1)]),
        ([0.5, 0.5], 0.5, [(0, 0.25), (0.5, 0.75)]),
        ([0.5, 0.5], 0, [(0, 0), (0.5, 0.5)]),
        ([0.25] * 4, 1, [(0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)]),
        ([0.4, 0.6], 1, [(0, 0.4), (0.4, 1)]),
        ([0.2, 0.3, 0.5], 1, [(0, 0.2), (0.2, 0.5), (0.5, 1)]),
        ([0.2, 0.3, 0.5], 0.2, [(0, 0.04), (0.2, 0.26), (0.5, 0.6)]),
        ([0.4, 0.5999], 1, [(0, 0.4), (0.4, 0.9999)]),
    ],
)
def test_the_ranges_are_growthbooks(weights: list[float], coverage: float, ranges: list[Range]) -> None:
    found = bucket_ranges(weights, coverage)
    assert [value for pair in found for value in pair] == pytest.approx([v for pair in ranges for v in pair])


@pytest.mark.parametrize(
    ("weights", "coverage"),
    [([0.4, 0.1], 1.0), ([0.7, 0.6], 1.0), ([0.5, 0.5], -0.2), ([0.5, 0.5], 1.5)],
)
def test_what_growthbook_puts_right_in_silence_is_refused(weights: list[float], coverage: float) -> None:
    by_name = dict(zip("ab", weights, strict=True))
    with pytest.raises(InvalidInputError, match=r"expected (weights|coverage)"):
        PromptExperiment("tone", {"a": "A", "b": "B"}, by_name, coverage=coverage)


@pytest.mark.parametrize(
    ("place", "ranges", "number"),
    [
        (0.2, HALVES, 0),
        (0.4, HALVES, 0),
        (0.6, HALVES, 1),
        (0.8, HALVES, 1),
        (0.0, HALVES, 0),
        (0.5, HALVES, 1),
        (0.8, REDUCED, None),
        (0.25, REDUCED, None),
        (0.5, REDUCED, 1),
        (0.5, ((0.0, 0.5), (0.5, 0.5), (0.5, 1.0)), 2),
    ],
)
def test_the_choice_is_growthbooks(place: float, ranges: tuple[Range, ...], number: int | None) -> None:
    assert choose(place, ranges) == number


@pytest.mark.parametrize(
    ("value", "namespace", "begin", "end", "is_in"),
    [
        ("1", "namespace1", 0, 0.4, False),
        ("1", "namespace1", 0.4, 1, True),
        ("1", "namespace2", 0, 0.4, False),
        ("1", "namespace2", 0.4, 1, True),
        ("2", "namespace1", 0, 0.4, False),
        ("2", "namespace1", 0.4, 1, True),
    ],
)
def test_the_namespaces_are_growthbooks(
    value: str, namespace: str, begin: float, end: float, is_in: bool
) -> None:
    assert (begin <= namespace_bucket(namespace, value) < end) is is_in


def test_the_sdk_itself_hands_out_the_same_over_many_learners() -> None:
    dice = random.Random(7)
    alphabet = "abc_-0123456789정규화学생🙂é"
    for _ in range(20_000):
        seed = "".join(dice.choices(alphabet, k=dice.randint(0, 12)))
        value = "".join(dice.choices(alphabet, k=dice.randint(0, 24)))
        weights = [dice.random() + 0.05 for _ in range(dice.randint(2, 5))]
        weights = [weight / sum(weights) for weight in weights]
        coverage = dice.random()
        assert bucket(seed, value) == core.gbhash(seed, value, 2)
        assert namespace_bucket(seed, value) == core.gbhash(f"__{seed}", value, 1)
        ranges = core.getBucketRanges(len(weights), coverage, weights)
        assert bucket_ranges(weights, coverage) == tuple(ranges)
        chosen = core.chooseVariation(bucket(seed, value), ranges)
        assert choose(bucket(seed, value), bucket_ranges(weights, coverage)) == (
            None if chosen < 0 else chosen
        )
