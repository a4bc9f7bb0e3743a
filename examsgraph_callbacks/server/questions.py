"""Asks the analytics beside the event loop, one question at a time, so that reports go on meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from examsgraph_callbacks.analytics.answers import (
    AverageCost,
    CostByHour,
    Margin,
    PathQuality,
    Period,
    Routing,
    TopFailedConcepts,
    UnderstandingByConcept,
)
from examsgraph_callbacks.server.refusals import Refusal

__all__ = ["OneAtATime", "Questions"]

_WAITING = 16  # questions, before more are refused

T = TypeVar("T")


class Questions(Protocol):
    """What the API asks of a journal."""

    def top_failed_concepts(self, limit: int, period: Period) -> TopFailedConcepts: ...
    def average_cost(self, user_id: str | None, period: Period) -> AverageCost: ...
    def margin(self, period: Period) -> Margin: ...
    def cost_by_hour(self, period: Period) -> CostByHour: ...
    def routing(self, period: Period) -> Routing: ...
    def understanding_by_concept(self, period: Period) -> UnderstandingByConcept: ...
    def path_quality(self, period: Period) -> PathQuality: ...


class OneAtATime:
    """A thread of its own, in which one piece of work is done after the other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def do(self, work: Callable[[], T]) -> T:
        """The result of `work`; raises the `Refusal` that is due where too much is waiting already."""
        if self._waiting >= _WAITING:
            raise Refusal(
                503, "expected fewer questions at a time: ask again in a moment", headers={"Retry-After": "1"}
            )
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, self._name)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1
