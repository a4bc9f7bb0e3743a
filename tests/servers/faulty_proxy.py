"""A proxy in front of a real server that refuses, hangs, cuts and answers errors, by chance from a seed."""

import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

__all__ = ["FAULTS", "FaultyProxy"]

FAULTS: Mapping[str, float] = {
    "refuse": 0.04,  # the connection is reset before anything is read
    "cut before": 0.03,  # the request is swallowed
    "cut after": 0.04,  # the server does what it is asked, and its answer is swallowed
    "hang before": 0.004,  # no answer, and the server hears nothing
    "hang after": 0.006,  # no answer, though the server gave one
    "500": 0.04,
    "429": 0.02,
}
"""The probability of each fault, a request."""

_LONGEST_HANG_SECONDS = 60
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "host", "accept-encoding"}


class FaultyProxy:
    """Forwards to `target` (a URI), but for the faults; `on_request` hears each request's number."""

    def __init__(self, target: str, seed: int, faults: Mapping[str, float] = FAULTS) -> None:
        self.target = urlsplit(target).netloc
        self.done: Counter[str] = Counter()
        self.requests = 0
        self.authorizations: set[str | None] = set()
        self.on_request: Callable[[int], None] = lambda _number: None
        self.faults = faults
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._http = _QuietServer(("127.0.0.1", 0), type("_Bound", (_Handler,), {"proxy": self}))
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._http.shutdown()
        self._http.server_close()

    def fault(self) -> str:
        """What happens to the next request."""
        with self._lock:
            self.requests += 1
            number = self.requests
            weights = [*self.faults.values(), 1 - sum(self.faults.values())]
            (fault,) = self._chance.choices([*self.faults, "none"], weights)
            self.done[fault] += 1
        self.on_request(number)
        return fault

    def hang(self) -> None:
        """Until the test is over, at the longest."""
        self._stopped.wait(_LONGEST_HANG_SECONDS)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultyProxy
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        pass

    def _serve(self) -> None:
        self.proxy.authorizations.add(self.headers.get("Authorization"))
        fault = self.proxy.fault()
        self.close_connection = True
        if fault == "refuse":
            # unread bytes make the system reset the connection
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        if fault == "hang before":
            self.proxy.hang()
        if fault in ("cut before", "hang before"):
            return
        if fault in ("500", "429"):
            self._answer(int(fault), {"Retry-After": "1"} if fault == "429" else {}, b"Internal Server Error")
            return
        status, headers, answer = self._forward(body)
        if fault == "hang after":
            self.proxy.hang()
        if fault not in ("cut after", "hang after"):
            self._answer(status, headers, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(self.proxy.target, timeout=_LONGEST_HANG_SECONDS)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body
