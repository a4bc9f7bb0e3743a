"""Does for many at once what each of them asks for: an `fsync`, a scrape, a look at the journal's files."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["Together", "retrieved"]

T = TypeVar("T")


class Together(Generic[T]):
    """Runs `work` in a thread of its own for all who wait: who comes while it runs waits for the next run.

    Of its own, so that nothing that takes long elsewhere holds it up.
    """

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self._work = work
        self._name = name
        self._thread: ThreadPoolExecutor | None = None
        self._next: asyncio.Task[T] | None = None
        self._running: asyncio.Task[T] | None = None

    async def done(self) -> T:
        """The result of a run that began after this call; raises its error."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
            self._next.add_done_callback(retrieved)
        # another's request that is given up must not take the run from this one
        return await asyncio.shield(self._next)

    async def _after(self, running: asyncio.Task[T] | None) -> T:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, self._name)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work)


def retrieved(task: "asyncio.Task[T]") -> None:
    """Look at a task's error, which asyncio would log where all who waited for it have gone."""
    if not task.cancelled():
        task.exception()
