"""A pseudonym is the same for the same id, tells nothing of it, and needs the key."""

import pytest

from examsgraph_callbacks.capture import pseudonym
from examsgraph_callbacks.errors import InvalidInputError

KEY = "0123456789abcdef"


def test_a_pseudonym_is_stable_across_processes_and_versions() -> None:
    # b2sum has no keyed mode: computed by  hashlib.blake2b(b"user_001", key=KEY, digest_size=16)
    assert pseudonym("user_001", KEY) == "2b755074abd89bfae5cc039eceeb53f7"


def test_another_id_or_another_key_gives_another_pseudonym() -> None:
    names = [pseudonym(f"user_{number:03}", KEY) for number in range(1000)]
    assert len(set(names)) == 1000
    assert pseudonym("user_001", KEY[::-1]) not in names


@pytest.mark.parametrize("identifier", ["", "김민지", "kim@example.com", "half \ud83d", "x" * 10_000])
def test_any_id_has_one(identifier: str) -> None:
    name = pseudonym(identifier, KEY)
    assert len(name) == 32
    assert set(name) <= set("0123456789abcdef")


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "가" * 22])
def test_a_key_that_is_too_short_or_too_long_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(InvalidInputError, match=f"16 to 64 bytes long, got {len(key.encode())}") as error:
        pseudonym("user_001", key)
    assert not key or key not in str(error.value).replace("EXAMSGRAPH_USER_KEY", "")


@pytest.mark.parametrize("key", ["x" * 16, "x" * 64, "가" * 21])
def test_the_shortest_and_longest_keys_are_taken(key: str) -> None:
    assert pseudonym("user_001", key)
