"""Gives tests Debian's Prometheus: its tool, and a server that scrapes and evaluates rules."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers.server_process import free_port, running_process

__all__ = ["Prometheus", "promtool", "running_prometheus"]

_PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A server that answers at `url`."""

    url: str

    def query(self, expression: str) -> list[Mapping[str, Any]]:
        """What an expression is now: series with `metric` and `value`; raises where it cannot be read."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", answer
        found: list[Mapping[str, Any]] = answer["data"]["result"]
        return found

    def rules(self) -> list[Mapping[str, Any]]:
        """The rules with how they were evaluated last."""
        groups = httpx.get(f"{self.url}/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def until(self, expression: str) -> list[Mapping[str, Any]]:
        """What an expression is once it is anything at all."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if found := self.query(expression):
                return found
            time.sleep(0.2)
        pytest.fail(f"expected {expression} to become something within {_PATIENCE_SECONDS} s", pytrace=False)


def promtool(*arguments: str, given: str | None = None) -> str:
    """What `promtool` says; fails, showing it, where it is not content."""
    tool = _installed("promtool")
    done = subprocess.run([tool, *arguments], input=given, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    if done.returncode:
        pytest.fail(f"promtool {' '.join(arguments)} ended with {done.returncode}:\n{told}", pytrace=False)
    return told


@contextmanager
def running_prometheus(configuration: str, folder: Path) -> Iterator[Prometheus]:
    """Run a server with this configuration until the block ends."""
    server = _installed("prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(configuration, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [
        server,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with running_process(command, folder) as (has_ended, log):
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline and not has_ended():
            try:
                if httpx.get(f"http://{address}/-/ready").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        else:
            pytest.fail(f"Prometheus did not start:\n{log()[-3000:]}", pytrace=False)
        yield Prometheus(f"http://{address}")


def _installed(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: apt-get install prometheus")
    return found
