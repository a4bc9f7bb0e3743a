"""A fake: an HTTP server on 127.0.0.1 that stands for Slack's incoming webhooks, and fails as it is told to.

It answers as Slack documents its webhooks: `ok`, 429 with `Retry-After`, 500, or an error code as text.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["FakeSlack", "fake_slack"]


class FakeSlack:
    """What came, and what to answer next: each of `script` once, and `ok` from then on.

    A step is a status, `"hang"` (no answer until the server ends), or `"die"` (the connection is cut with
    the message taken). `retry_after` goes with 429. `on_message` is called before each answer.
    """

    def __init__(self) -> None:
        self.script: deque[int | str] = deque()
        self.retry_after = "30"
        self.taken: list[dict[str, Any]] = []
        self.refused = 0
        self.on_message: Callable[[], object] = lambda: None
        self.url = ""
        self.ended = threading.Event()

    @property
    def headlines(self) -> list[str]:
        """The headers of the messages that were taken, in order."""
        return [message["blocks"][0]["text"]["text"] for message in self.taken]


@contextmanager
def fake_slack() -> Iterator[FakeSlack]:
    """The server, for as long as the block runs."""
    slack = FakeSlack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            step = slack.script.popleft() if slack.script else 200
            if step in {200, "hang", "die"}:
                slack.taken.append(message)
            else:
                slack.refused += 1
            slack.on_message()
            if step == "die":
                self.close_connection = True
                return
            if step == "hang":
                slack.ended.wait(30)
                return
            body = b"ok" if step == 200 else b"no_service"
            self.send_response(int(step))
            if step == 429:
                self.send_header("Retry-After", slack.retry_after)
            self.send_header("Content-Length", str(len(body)))
            with suppress(ConnectionError):  # whoever sent it was killed
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    slack.url = f"http://127.0.0.1:{server.server_address[1]}/services/T000/B000/fake"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield slack
    finally:
        slack.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
