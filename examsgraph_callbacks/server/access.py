"""Who may write and who may read: bearer tokens, or, without any, this machine alone."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import Literal

from fastapi import Request

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.server.refusals import Refusal

__all__ = ["Access", "Scope", "is_loopback"]

Scope = Literal["write", "read"]
_SCOPES: tuple[Scope, ...] = ("write", "read")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class _Token:
    digest: bytes
    scopes: frozenset[Scope]


class Access:
    """Lets in whoever shows one of `tokens`, a text such as `write:TOKEN,read:TOKEN,TOKEN`.

    A token without a scope before it has both. Where `tokens` is None the machine itself is let in, under
    its own name, so that no page in a browser gets in by a name that it had resolved to this machine.
    Raises `InvalidInputError` where `tokens` names none.
    """

    def __init__(self, tokens: str | None) -> None:
        self._tokens = None if tokens is None else _together(_read(tokens))

    @property
    def is_open(self) -> bool:
        """Whether no token is asked for."""
        return self._tokens is None

    def who(self, request: Request) -> str:
        """Who asks, for counting requests: the machine, and which token was shown."""
        host = request.client.host if request.client else "-"
        return f"{host} {self._shown(request)}"

    def check(self, request: Request, scope: Scope) -> None:
        """Raise the `Refusal` that is due to whoever may not do what needs `scope`."""
        if self._tokens is None:
            _check_loopback(request)
            return
        shown = self._shown(request)
        if shown is None:
            raise Refusal(
                401,
                "expected an Authorization header with a bearer token that this server knows",
                headers=_CHALLENGE,
            )
        if scope not in self._tokens[shown].scopes:
            raise Refusal(403, f"expected a token with the scope {scope}, got one without it")

    def _shown(self, request: Request) -> int | None:
        """Which token was shown. All are compared, so that the time tells nothing of any."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        digest = _digest(token.strip())
        found = None
        for place, known in enumerate(self._tokens or ()):
            if hmac.compare_digest(digest, known.digest):
                found = place
        return found if scheme.lower() == "bearer" else None


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _check_loopback(request: Request) -> None:
    named = request.headers.get("host", "")
    host = named if named.endswith("]") else named.rpartition(":")[0] or named
    if request.client is None or not is_loopback(request.client.host) or not is_loopback(host):
        raise Refusal(
            403,
            "expected a request from this machine, since no tokens are set: set EXAMSGRAPH_API_TOKENS",
        )


def _read(tokens: str) -> Iterable[_Token]:
    named = [part for each in tokens.split(",") if (part := each.strip())]
    if not named:
        raise InvalidInputError(
            "expected EXAMSGRAPH_API_TOKENS to name tokens, such as write:TOKEN,read:TOKEN, got none: "
            "unset it to serve this machine alone",
        )
    for each in named:
        scopes = frozenset(scope for scope in _SCOPES if each.startswith(f"{scope}:"))
        token = each.partition(":")[2] if scopes else each
        if not token:
            raise InvalidInputError(
                f"expected EXAMSGRAPH_API_TOKENS to have a token after {each!r}, got nothing"
            )
        yield _Token(_digest(token), scopes or frozenset(_SCOPES))


def _together(tokens: Iterable[_Token]) -> tuple[_Token, ...]:
    """Each token once, with the scopes of all places where it stands."""
    scopes: dict[bytes, frozenset[Scope]] = {}
    for token in tokens:
        scopes[token.digest] = scopes.get(token.digest, frozenset()) | token.scopes
    return tuple(_Token(digest, of_token) for digest, of_token in scopes.items())


def _digest(token: str) -> bytes:
    # of one length whatever the token's
    return blake2b(token.encode("utf-8", "surrogatepass"), digest_size=32).digest()
