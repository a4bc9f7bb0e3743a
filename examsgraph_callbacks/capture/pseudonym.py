"""A user's or session's id as a pseudonym: the same for the same id and key, and no way back without it.

The keyed hash is BLAKE2b (RFC 7693), 128 bits of it. Whoever holds the key can tell which pseudonym is
that of a given id, as it takes to show learners their data or to forget it.
"""

from hashlib import blake2b

from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["pseudonym"]

_SHORTEST_KEY = 16
_LONGEST_KEY = blake2b.MAX_KEY_SIZE


def pseudonym(identifier: str, key: str) -> str:
    """32 hexadecimal digits that stand for `identifier`.

    `key` is the secret of `EXAMSGRAPH_USER_KEY`: under another one everybody becomes somebody else.
    Raises `InvalidInputError` where it is not 16 to 64 bytes long.
    """
    secret = key.encode()
    if not _SHORTEST_KEY <= len(secret) <= _LONGEST_KEY:
        raise InvalidInputError(
            f"expected EXAMSGRAPH_USER_KEY to be {_SHORTEST_KEY} to {_LONGEST_KEY} bytes long, "
            f"got {len(secret)}: make one with  python -c 'import secrets; print(secrets.token_hex(16))'",
        )
    # half an emoji has no UTF-8, and as an id a pseudonym all the same
    return blake2b(identifier.encode("utf-8", "surrogatepass"), key=secret, digest_size=16).hexdigest()
