"""What a driver's server is like: learnt with one question a driver, and shared by all that use it."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from examsgraph_callbacks.errors import GraphUnavailableError
from examsgraph_callbacks.graph.asking import aask, ask

if TYPE_CHECKING:
    from neo4j import AsyncDriver, Driver, EagerResult

__all__ = ["CALIBRATION", "KnownServer", "aknow_server", "know_server", "known_server"]

CALIBRATION = "RETURN vector.similarity.cosine([1.0, 0.0], [0.0, 1.0]) AS orthogonal"
"""0.5 where the server's cosine is (1 + cos) / 2, as Neo4j's; 0.0 where it is the cosine itself."""

_FIX = "use Neo4j 5.23 or newer"
_FIRST_WITH_SEARCH = (2026, 1)
_NEO4J = re.compile(r"Neo4j/(\d+)\.(\d+)(?!.*compatible)")
"""Look-alikes call themselves `Neo4j/5.26.0 compatible (…)`; hosted ones `Neo4j/2026.01-aura`."""


@dataclass(frozen=True, slots=True)
class KnownServer:
    """A server by what it calls itself, and what that and its answers say of it.

    `scores_are_cosines` says that its cosine function returns the cosine itself, not (1 + cos) / 2;
    `has_search` that it has Cypher 25's `SEARCH … IN (VECTOR INDEX …)`, as Neo4j from 2026.01 on.
    """

    agent: str
    scores_are_cosines: bool
    has_search: bool

    @classmethod
    def of(cls, agent: str, orthogonal: float) -> "KnownServer":
        """The server called `agent`, which gave two orthogonal vectors the similarity `orthogonal`.

        Raises `GraphUnavailableError` for a similarity of another scale than the known ones.
        """
        if orthogonal not in (0.0, 0.5):
            raise GraphUnavailableError(
                f"expected a similarity of 0.5 or 0 for two orthogonal vectors, got {orthogonal} "
                f"from {agent}: use Neo4j or ArcadeDB, whose scales are known",
            )
        return cls(
            agent,
            scores_are_cosines=orthogonal == 0.0,
            has_search=_version(agent) >= _FIRST_WITH_SEARCH,
        )


_KNOWN: "WeakKeyDictionary[Driver | AsyncDriver, KnownServer]" = WeakKeyDictionary()


def known_server(driver: "Driver | AsyncDriver") -> KnownServer | None:
    """The driver's server, None where it has not been asked yet."""
    return _KNOWN.get(driver)


def know_server(driver: "Driver", *, database: str | None, timeout_seconds: float) -> KnownServer:
    """The driver's server, asked the first time. Raises what `ask` raises."""
    known = _KNOWN.get(driver)
    if known is None:
        answer = ask(driver, CALIBRATION, {}, fix=_FIX, database=database, timeout_seconds=timeout_seconds)
        known = _KNOWN[driver] = _learnt(answer)
    return known


async def aknow_server(driver: "AsyncDriver", *, database: str | None, timeout_seconds: float) -> KnownServer:
    """`know_server`, awaited."""
    known = _KNOWN.get(driver)
    if known is None:
        answer = await aask(
            driver, CALIBRATION, {}, fix=_FIX, database=database, timeout_seconds=timeout_seconds
        )
        known = _KNOWN[driver] = _learnt(answer)
    return known


def _learnt(answer: "EagerResult") -> KnownServer:
    return KnownServer.of(answer.summary.server.agent, answer.records[0]["orthogonal"])


def _version(agent: str) -> tuple[int, int]:
    told = _NEO4J.match(agent)
    return (int(told[1]), int(told[2])) if told else (0, 0)
