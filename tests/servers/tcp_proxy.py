"""A network between a client and a server that can be held up: what the server says then waits."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["TcpProxy"]


class TcpProxy:
    """Passes on what comes to `port` of 127.0.0.1; between `hold` and `release` no answer gets through."""

    def __init__(self, port_of_server: int) -> None:
        self._target = ("127.0.0.1", port_of_server)
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._asked = threading.Event()
        self._sockets: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._may_answer.set()
        for each in (self._listening, *self._sockets):
            _close(each)

    def hold(self) -> None:
        """Let no answer through from now on."""
        self._asked.clear()
        self._may_answer.clear()

    def wait_until_asked(self) -> None:
        """Return when something was sent to the server since it was held up."""
        assert self._asked.wait(20), "nothing was asked"

    def release(self) -> None:
        """Let all answers through."""
        self._may_answer.set()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                try:
                    server = socket.create_connection(self._target)
                except OSError:  # it is down: so is this connection
                    _close(client)
                    continue
                self._sockets += [client, server]
                for way in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass_on, args=way, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while heard := source.recv(65536):
                if is_answer:
                    self._may_answer.wait()
                else:
                    self._asked.set()
                target.sendall(heard)
        for each in (source, target):
            _close(each)


def _close(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
