"""What the handler adds beside Langfuse's and OpenInference's, in one process.

The peers export to a server on 127.0.0.1 that takes everything and keeps nothing: what is timed is
what the chain waits for. Needs  pip install langfuse openinference-instrumentation-langchain.
"""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from langchain_core.callbacks import BaseCallbackHandler

from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.benchmarks.paired import machine, paired
from tests.benchmarks.test_handler_overhead import (
    NoOp,
    Work,
    ainvoke,
    chain_of_three,
    invoke,
    retriever,
    streamed,
)

pytestmark = pytest.mark.benchmark


class _TakeEverything(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Quiet."""

    def _take(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = _take  # noqa: N815 - the base class's names


@pytest.fixture(scope="module")
def sink() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _TakeEverything)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def _langfuse(sink: str) -> BaseCallbackHandler:
    pytest.importorskip("langfuse")
    from langfuse import Langfuse
    from langfuse.langchain import CallbackHandler

    Langfuse(public_key="pk", secret_key="sk", base_url=sink)
    handler: BaseCallbackHandler = CallbackHandler(public_key="pk")
    return handler


def _openinference(sink: str) -> BaseCallbackHandler:
    pytest.importorskip("openinference.instrumentation.langchain")
    from openinference.instrumentation.langchain._tracer import OpenInferenceTracer
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{sink}/v1/traces")))
    tracer: BaseCallbackHandler = OpenInferenceTracer(provider.get_tracer("benchmark"), False)
    return tracer


@pytest.fixture(scope="module")
def handlers(sink: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, BaseCallbackHandler]:
    journal: Path = tmp_path_factory.mktemp("journal")
    return {
        "no-op": NoOp(),
        "ExamsGraph": ExamsGraphCallbackHandler(journal),
        "Langfuse": _langfuse(sink),
        "OpenInference": _openinference(sink),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "work", "repetitions"),
    [
        ("invoke", invoke, 150),
        ("ainvoke", ainvoke, 100),
        ("chain of 3 steps", chain_of_three, 100),
        ("stream of 100 tokens", streamed, 15),
        ("20 documents of 20 kB", retriever("x", 20_000), 60),
    ],
)
def test_overhead_beside_peers(
    name: str,
    work: Work,
    repetitions: int,
    handlers: dict[str, BaseCallbackHandler],
) -> None:
    variants: dict[str, Callable[[int], None]] = {
        label: work({"callbacks": [handler]}) for label, handler in handlers.items()
    }
    timings = paired(variants, baseline="no-op", repetitions=repetitions, rounds=11)
    assert failures.counts() == {}
    added = "   ".join(
        f"{label} +{timing.added:.0f} µs" for label, timing in timings.items() if label != "no-op"
    )
    print(f"\n{name:24} {added}   {machine()}")  # noqa: T201
