"""How long a connection may take to say what it wants: uvicorn by itself would wait for ever."""

import asyncio
from typing import Any

__all__ = ["HEADER_SECONDS", "impatient_protocol"]

HEADER_SECONDS = 10.0
"""So long a connection may take for a request's whole head, from when it was made, or from its first byte.

A few hundred that took for ever would cost whoever makes them nothing, and leave no room for anybody else.
"""


def impatient_protocol(seconds: float = HEADER_SECONDS) -> type[asyncio.Protocol]:
    """Uvicorn's own protocol, but that it closes connections on which no head comes within `seconds`."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    base: Any = AutoHTTPProtocol

    class ImpatientProtocol(base):  # type: ignore[misc]  # which of its two it is depends on what is installed
        _due: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._leave_off()
            elif self._due is None:
                # the head of the next request on a connection that is kept
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._leave_off()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._due = asyncio.get_running_loop().call_later(seconds, self.transport.abort)

        def _leave_off(self) -> None:
            if self._due is not None:
                self._due.cancel()
                self._due = None

    return ImpatientProtocol
