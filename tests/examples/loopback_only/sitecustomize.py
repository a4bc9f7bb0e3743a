"""Python imports this first: a process with this folder on its path reaches this machine alone."""

import socket
from typing import Any

LOOPBACK = ("127.0.0.1", "::1", "localhost", "0.0.0.0", "")  # the last two are what a server listens on

_connect, _connect_ex, _getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo


def _refuse(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name is not None and name not in LOOPBACK:
        raise ConnectionRefusedError(f"an example went for {name}, and may go for this machine alone")


def connect(self: socket.socket, address: Any) -> None:
    """As the socket's own, to this machine."""
    if isinstance(address, tuple):
        _refuse(address[0])
    _connect(self, address)


def connect_ex(self: socket.socket, address: Any) -> int:
    """As the socket's own, to this machine."""
    if isinstance(address, tuple):
        _refuse(address[0])
    return _connect_ex(self, address)


def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
    """As the module's own, for this machine's names."""
    _refuse(host)
    return _getaddrinfo(host, *arguments, **named)


socket.socket.connect, socket.socket.connect_ex = connect, connect_ex  # type: ignore[method-assign, assignment]
socket.getaddrinfo = getaddrinfo
