"""A recorded exploration, told once more to whoever records the retriever's run."""

import time
from collections.abc import Iterable
from uuid import UUID

from examsgraph_callbacks.capture import ExplorationRecord, publish_exploration
from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.replay.answering import failure_of

__all__ = ["publish_recorded"]


def publish_recorded(run_id: UUID, explorations: Iterable[Exploration]) -> None:
    """What the retriever run `run_id` explored is what was recorded; its bounds, hops and scores."""
    started_wall_ns = time.time_ns()
    for exploration in explorations:
        publish_exploration(
            run_id,
            ExplorationRecord(
                query=exploration.query,
                retrieval_params=exploration.retrieval_params,
                seeds=exploration.seeds,
                hops=exploration.hops,
                similarity_scale=exploration.similarity_scale,
                backend=exploration.backend or "",
                round_trips=exploration.round_trips or 0,
                started_wall_ns=started_wall_ns,
                latency_ms=exploration.latency_ms,
                sampled=exploration.sampled,
                uncaptured=exploration.uncaptured,
                index_name=exploration.index_name,
                server=exploration.server,
                source=exploration.source,
                error=failure_of(exploration),
            ),
        )
