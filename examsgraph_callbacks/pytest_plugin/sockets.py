"""No socket connects while a recording is played: what is not recorded must fail, and not be asked for."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from examsgraph_callbacks.errors import RecordingError

__all__ = ["sockets_blocked"]


@contextmanager
def sockets_blocked() -> Iterator[None]:
    """Whoever connects an Internet socket, or looks a host up, in this block gets a `RecordingError`."""
    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto

    def refuse(address: object) -> RecordingError:
        return RecordingError(
            f"expected no network while a recording is played, but {address!r} was to be reached: what asks "
            "there is not answered from the recording; replace it in the test, or record without it",
        )

    def refusing_connect(self: socket.socket, address: object) -> None:
        if _is_local(self):
            connect(self, address)  # type: ignore[arg-type]
            return
        raise refuse(address)

    def refusing_connect_ex(self: socket.socket, address: object) -> int:
        if _is_local(self):
            return connect_ex(self, address)  # type: ignore[arg-type]
        raise refuse(address)

    def refusing_sendto(self: socket.socket, *arguments: object) -> int:
        if _is_local(self):
            return sendto(self, *arguments)  # type: ignore[call-overload,no-any-return]
        raise refuse(arguments[-1])

    def refusing_look_up(host: object, *_arguments: object, **_named: object) -> None:
        raise refuse(host)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refusing_connect)
        patch.setattr(socket.socket, "connect_ex", refusing_connect_ex)
        patch.setattr(socket.socket, "sendto", refusing_sendto)
        patch.setattr(socket, "getaddrinfo", refusing_look_up)
        yield


def _is_local(own: socket.socket) -> bool:
    """Whether it never leaves the machine by its kind: event loops and processes talk over such ones."""
    return own.family not in {socket.AF_INET, socket.AF_INET6}
