"""The door through which a graph retriever, in any framework, hands its exploration to the recorders."""

import weakref
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from examsgraph_callbacks.events import (
    ExplorationSource,
    Hop,
    RetrievalParams,
    SampledNode,
    Seed,
    SimilarityScale,
)
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
    sampled: tuple[SampledNode, ...] = ()
    uncaptured: tuple[str, ...] = ()
    index_name: str | None = None
    server: str | None = None
    source: ExplorationSource = "explorer"
    error: BaseException | None = None

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
            "sampled": self.sampled,
            "uncaptured": self.uncaptured,
            "index_name": self.index_name,
            "server": self.server,
        }


class ExplorationListener(Protocol):
    """Who records explorations."""

    def record_exploration(self, run_id: UUID, exploration: ExplorationRecord) -> None:
        """Record it, if the run `run_id` (the retriever's) is known here."""


# by id, and not a set: its values can be listed while other threads add theirs
_listeners: weakref.WeakValueDictionary[int, ExplorationListener] = weakref.WeakValueDictionary()


def listen_for_explorations(listener: ExplorationListener) -> None:
    """Tell `listener` of every exploration from now on, as long as it lives."""
    _listeners[id(listener)] = listener


def publish_exploration(run_id: UUID, exploration: ExplorationRecord) -> None:
    """Hand over what the retriever run `run_id` explored; without a recorder it goes nowhere."""
    for reference in _listeners.valuerefs():
        listener = reference()
        if listener is None:
            continue
        try:
            listener.record_exploration(run_id, exploration)
        except Exception as error:  # noqa: BLE001 - whatever it is, the retriever must not see it
            failures.report("recording an exploration", error)
