"""What shipping by itself costs a host that makes 50 calls a second, and how far behind it is.

pytest -m benchmark -s tests/benchmarks/test_shipping.py
"""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from examsgraph_callbacks.deliver import shipping_status
from examsgraph_callbacks.journal import Journal
from tests.benchmarks.paired import machine
from tests.benchmarks.shipping_host import CALLS_A_SECOND
from tests.servers.mlflow_server import mlflow_server

__all__ = ["mlflow_server"]

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("EXAMSGRAPH_BENCHMARK_SECONDS", "20"))
ROUNDS = 3
BAR_MS = 5.0
LONGER_MS = 100.0
"""What the exit may take longer than that of a host which records nothing."""
WITHOUT = "without us"
NOBODY = "http://127.0.0.1:9"  # the discard port, on which nothing listens


@dataclass(frozen=True, slots=True)
class HostRun:
    """What one run of the host told (ms), and its shipper (facts behind at the host's end, seconds to 0)."""

    p50: float
    p99: float
    longest: float
    exit_ms: float
    behind: int
    caught_up_seconds: float | None


def run_host(journal: Path | None, way: str, tracking_uri: str) -> HostRun:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.shipping_host", str(journal or ""), str(SECONDS)],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "EXAMSGRAPH_SHIP": way if journal else "off",
            "MLFLOW_TRACKING_URI": tracking_uri,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    ended = time.time()
    told = json.loads(ran.stdout)
    percentiles = statistics.quantiles(told["taken_ms"], n=100)
    behind = facts_behind(journal, tracking_uri) if journal else 0
    return HostRun(
        p50=percentiles[49],
        p99=percentiles[98],
        longest=max(told["taken_ms"]),
        exit_ms=(ended - told["ended_at"]) * 1000,
        behind=behind,
        caught_up_seconds=caught_up(journal, tracking_uri, ended) if journal and way == "process" else None,
    )


def facts_behind(journal: Path, tracking_uri: str) -> int:
    return shipping_status(Journal(journal), tracking_uri)[0].facts_behind


def caught_up(journal: Path, tracking_uri: str, since: float) -> float | None:
    while time.time() < since + 30:
        if facts_behind(journal, tracking_uri) == 0:
            return time.time() - since
        time.sleep(0.1)
    return None


@pytest.mark.parametrize("server", ["up", "down"])
def test_a_host_that_makes_50_calls_a_second(server: str, mlflow_server: str, tmp_path: Path) -> None:
    tracking_uri = mlflow_server if server == "up" else NOBODY
    runs: dict[str, list[HostRun]] = {WITHOUT: [], "off": [], "thread": [], "process": []}
    for number in range(ROUNDS):
        for way, so_far in runs.items():
            journal = None if way == WITHOUT else tmp_path / f"{way}-{number}"
            so_far.append(run_host(journal, way, tracking_uri))
    print(f"\nMLflow {server}, {CALLS_A_SECOND} calls/s for {SECONDS:.0f} s, median of {ROUNDS}, {machine()}")  # noqa: T201
    for way, so_far in runs.items():
        p50, p99, longest, exit_ms, behind = (
            statistics.median(getattr(run, name) for run in so_far)
            for name in ("p50", "p99", "longest", "exit_ms", "behind")
        )
        later = [run.caught_up_seconds for run in so_far]
        print(  # noqa: T201
            f"{way:10} p50 {p50:6.2f} ms   p99 {p99:7.2f} ms   longest {longest:8.2f} ms   "
            f"exit {exit_ms:6.0f} ms   behind at exit {behind:5.0f} facts   caught up after {later}",
        )
    p99 = {way: statistics.median(run.p99 for run in so_far) for way, so_far in runs.items()}
    assert p99["process"] - p99["off"] <= BAR_MS
    ended = {way: statistics.median(run.exit_ms for run in so_far) for way, so_far in runs.items()}
    assert ended["process"] - ended[WITHOUT] <= LONGER_MS
    if server == "up":
        assert all(run.caught_up_seconds is not None for run in runs["process"])
