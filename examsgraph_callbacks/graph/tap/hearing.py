"""What is heard in one retriever run: whether anyone listens here, and what its queries have shown."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID
from weakref import ReferenceType, ref

from neo4j import AsyncDriver, Driver

from examsgraph_callbacks.capture import Clock
from examsgraph_callbacks.graph.tap.collected import Collected
from examsgraph_callbacks.graph.tap.statements import (
    Statement,
    bounds_in,
    query_vector_in,
    read_statement,
)
from examsgraph_callbacks.graph.unheard import is_unheard

__all__ = ["Hearing", "Place", "current_hearing", "heard_by"]

AnyDriver: TypeAlias = Driver | AsyncDriver

_CLOCK = Clock()
_TEXTS_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where queries go: the driver, as long as the application keeps it, and its session's settings."""

    driver: ReferenceType[AnyDriver]
    session_config: Mapping[str, Any]

    @classmethod
    def of(cls, driver: AnyDriver, session_config: Mapping[str, Any]) -> "Place":
        """The place of a session with these settings; of them only who asks which database."""
        kept = ("database", "impersonated_user", "auth")
        return cls(ref(driver), {key: session_config[key] for key in kept if session_config.get(key)})


@dataclass(slots=True)
class Hearing:
    """What the queries of one retriever run have shown so far, as plain values.

    `run_id` is the run's, None where it has none of its own. `began_ns` and `ended_ns` are of the first
    query's beginning and of the last record that was heard. `unread` counts the queries of which
    no record has been read, `has_failed` is whether something of ours did.
    """

    run_id: UUID | None = None
    collected: Collected = field(default_factory=Collected)
    queries: int = 0
    texts: dict[str, None] = field(default_factory=dict)
    """The queries' own, each once, in order."""
    unread: int = 0
    query_vector: list[float] | None = None
    has_other_vectors: bool = False
    bounds: dict[str, int | float] = field(default_factory=dict)
    agent: str | None = None
    place: Place | None = None
    started_wall_ns: int = 0
    began_ns: int = 0
    ended_ns: int = 0
    has_failed: bool = False
    is_closed: bool = False

    def asked(self, text: str, parameters: Mapping[str, object]) -> Statement:
        """A query is about to be sent."""
        now_ns = _CLOCK.elapsed_ns()
        if not self.queries:
            self.started_wall_ns, self.began_ns = _CLOCK.wall_ns(), now_ns
        self.ended_ns = now_ns
        self.queries += 1
        vector = query_vector_in(parameters)
        if self.query_vector is None and vector is not None:
            self.query_vector, self.collected.dimension = vector, len(vector)
        elif vector is not None and vector != self.query_vector:
            self.has_other_vectors = True
        if len(self.texts) < _TEXTS_LIMIT:
            self.texts[text] = None
        statement = read_statement(text)
        for name, bound in bounds_in(statement, parameters, has_vector=vector is not None).items():
            self.bounds.setdefault(name, bound)
        return statement

    def answered(self) -> None:
        """Some of a query's answer has been heard."""
        self.ended_ns = _CLOCK.elapsed_ns()


_current: ContextVar[Hearing | None] = ContextVar("examsgraph_hearing", default=None)


def current_hearing() -> Hearing | None:
    """Who listens to what runs here, in threads and tasks that copied the context too."""
    hearing = _current.get()
    return None if hearing is None or hearing.is_closed or is_unheard() else hearing


@contextmanager
def heard_by(hearing: Hearing | None) -> Iterator[None]:
    """What runs in the block is heard by `hearing` alone; by nobody where that is None."""
    token = _current.set(hearing)
    try:
        yield
    finally:
        # a block that is left in another context than it was entered in: a closed hearing hears nothing
        with suppress(ValueError):
            _current.reset(token)
