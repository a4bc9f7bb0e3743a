"""Has the disk hold facts before they are acknowledged, many with one `fsync`."""

import asyncio
from collections.abc import Callable

__all__ = ["Syncing"]


class Syncing:
    """Runs `sync` in a thread for all who wait: who comes while it runs waits for the next run."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._next: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None

    async def synced(self) -> None:
        """Return once a `sync` that began after this call has ended; raises its error."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        # another's request that is given up must not take the sync from this one
        await asyncio.shield(self._next)

    async def _after(self, running: asyncio.Task[None] | None) -> None:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        await asyncio.to_thread(self._sync)
