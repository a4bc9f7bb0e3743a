"""A stand-in for the LLM APIs, over real HTTP on 127.0.0.1, that keeps a ledger of what it billed.

It speaks OpenAI's chat, completions, responses and embeddings, Azure's deployments and Anthropic's
messages, streamed and not. It is a fake of the providers only: the clients that talk to it are real.
"""

import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.servers import openai_bodies as bodies
from tests.servers.openai_bodies import Answer

__all__ = ["Answer", "Bill", "LedgerServer"]

_SILENT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Bill:
    """What one answer was billed as, in tokens."""

    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    service_tier: str | None


class LedgerServer:
    """Gives the answers that `will` queued, then the default one, and writes each into `ledger`."""

    def __init__(self) -> None:
        self.ledger: list[Bill] = []
        self.requests: list[dict[str, Any]] = []
        self.asked = threading.Event()
        self.default = Answer()
        self._queue: deque[Answer] = deque()
        self._lock = threading.Lock()
        handler = type("_BoundHandler", (_Handler,), {"server_of_answers": self})
        self._http = _QuietServer(("127.0.0.1", 0), handler)
        self.root = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.url = f"{self.root}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def will(self, *answers: Answer) -> None:
        """Queue the next answers, in order."""
        self._queue.extend(answers)

    def take(self, request: dict[str, Any]) -> Answer:
        """The answer to a request."""
        with self._lock:
            self.requests.append(request)
            self.asked.set()
            return self._queue.popleft() if self._queue else self.default

    def bill(self, answer: Answer, model: str, prompts: int = 1) -> None:
        """Write an answer into the ledger: n choices and several prompts are billed together."""
        with self._lock:
            self.ledger.append(
                Bill(
                    model=answer.served_model or bodies.snapshot(model),
                    input_tokens=answer.input_tokens * prompts,
                    output_tokens=answer.output_tokens * answer.choices * prompts,
                    cached_tokens=answer.cached_tokens,
                    cache_write_tokens=answer.cache_write_tokens,
                    cache_write_1h_tokens=answer.cache_write_1h_tokens,
                    reasoning_tokens=answer.reasoning_tokens,
                    audio_input_tokens=answer.audio_input_tokens,
                    audio_output_tokens=answer.audio_output_tokens,
                    service_tier=answer.service_tier,
                ),
            )


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_answers: LedgerServer

    def log_message(self, *args: object) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        path = self.path.split("?", 1)[0]
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "/deployments/" in path:
            request["model"] = path.split("/deployments/")[1].split("/")[0]
        answer = self.server_of_answers.take(request)
        time.sleep(answer.delay_seconds)
        if answer.status != 200:
            return self._send_json(bodies.error(answer), answer.status)
        prompts = request.get("prompt")
        self.server_of_answers.bill(
            answer,
            request["model"],
            len(prompts) if isinstance(prompts, list) else 1,
        )
        kind = path.rsplit("/", 1)[1]
        if request.get("stream"):
            return self._send_stream(list(bodies.STREAMS[kind](request, answer)), answer)
        return self._send_json(bodies.WHOLE[kind](request, answer))

    def _send_json(self, body: dict[str, Any], status: int = 200) -> None:
        encoded = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def _send_stream(self, events: list[str], answer: Answer) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(events):
            if number == answer.cut_after:
                # no closing chunk: the client sees the connection break in mid-stream
                self.close_connection = True
                return
            encoded = event.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(encoded), encoded))
            self.wfile.flush()
            if answer.falls_silent and bodies.pieces(answer.text)[0] in event:
                # whoever has read the first piece of the text is done before the next, however slow it is
                time.sleep(_SILENT_SECONDS)
        self.wfile.write(b"0\r\n\r\n")
