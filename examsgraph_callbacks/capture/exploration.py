"""The door through which a graph retriever, in any framework, hands its exploration to the recorders."""

import weakref
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from examsgraph_callbacks.events import ExplorationSource, Hop, RetrievalParams, Seed, SimilarityScale
from examsgraph_callbacks.failures import failures

__all__ = ["ExplorationListener", "ExplorationRecord", "listen_for_explorations", "publish_exploration"]


@dataclass(frozen=True, slots=True)
class ExplorationRecord:
    """An exploration as its `source` knows it: everything but whom and what it was for.

    `started_wall_ns` is ns since 1970 UTC, `latency_ms` ms; `error` is what ended it early, `uncaptured`
    says, a sentence each, what could not be seen.
    """

    query: str | None
    retrieval_params: RetrievalParams
    seeds: tuple[Seed, ...]
    hops: tuple[Hop, ...]
    similarity_scale: SimilarityScale
    backend: str
    round_trips: int
    started_wall_ns: int
    latency_ms: float
    error: BaseException | None = None
    source: ExplorationSource = "explorer"
    uncaptured: tuple[str, ...] = ()

    def fields(self) -> dict[str, object]:
        """The fields of the `Exploration` that it becomes."""
        return {
            "latency_ms": self.latency_ms,
            "query": self.query,
            "retrieval_params": self.retrieval_params,
            "seeds": self.seeds,
            "hops": self.hops,
            "similarity_scale": self.similarity_scale,
            "backend": self.backend,
            "round_trips": self.round_trips,
            "source": self.source,
            "uncaptured": self.uncaptured,
        }


class ExplorationListener(Protocol):
    """Who records explorations."""

    def record_exploration(self, run_id: UUID, exploration: ExplorationRecord) -> None:
        """Record it, if the run `run_id` (the retriever's) is known here."""


_listeners: weakref.WeakSet[ExplorationListener] = weakref.WeakSet()


def listen_for_explorations(listener: ExplorationListener) -> None:
    """Tell `listener` of every exploration from now on, as long as it lives."""
    _listeners.add(listener)


def publish_exploration(run_id: UUID, exploration: ExplorationRecord) -> None:
    """Hand over what the retriever run `run_id` explored; without a recorder it goes nowhere."""
    for listener in tuple(_listeners):
        try:
            listener.record_exploration(run_id, exploration)
        except Exception as error:  # noqa: BLE001 - whatever it is, the retriever must not see it
            failures.report("recording an exploration", error)
