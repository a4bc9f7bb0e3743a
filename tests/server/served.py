"""Runs `examsgraph serve` as a process of its own, and what a test wants to know of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from tests.servers.server_process import free_port

__all__ = ["Served", "curl", "serving"]

_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers, and the journal that it writes."""

    url: str
    journal: Journal
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def api(self) -> str:
        """Where the document's paths begin."""
        return f"{self.url}/v1/mlflow"

    def facts(self) -> list[Fact]:
        """What is recorded."""
        return [*self.journal.read()]

    def resident_mb(self) -> float:
        """The memory that it takes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def kill(self) -> None:
        """End it as a crash or the kernel would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Served]:
    """Run `examsgraph serve` on a journal in `folder` until the block ends; `EXAMSGRAPH_` before settings."""
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "server.log"
    named = {f"EXAMSGRAPH_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "examsgraph_callbacks", "serve"]
    command += ["--journal", str(folder / "journal"), "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, "EXAMSGRAPH_SHIP": "off", **named},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    served = Served(f"http://127.0.0.1:{port}", Journal(folder / "journal"), process, log)
    try:
        _wait(served)
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            served.kill()


def curl(url: str, body: object = None, *options: str) -> tuple[int, Mapping[str, Any]]:
    """The status and the answer, of real `curl`; a `body` that is no text is sent as JSON."""
    command = ["curl", "-sS", "-w", "\n%{http_code}", url, *options]
    if body is not None:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        command += ["-H", "Content-Type: application/json", "--data-binary", text]
    output = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()
    answer, _, status = output.rpartition("\n")
    return int(status), json.loads(answer)


def _wait(served: Served) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and served.process.poll() is None:
        try:
            if httpx.get(f"{served.url}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"the server did not start: {served.log.read_text()}", pytrace=False)
