"""What the HTTP API takes under load: acknowledged and on disk, how fast, and what a kill costs.

The load is that of `hey` (Debian's package, on the same machine and its cores). `EXAMSGRAPH_LOAD_SECONDS`
says how long each part takes.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.measure.facts import show
from tests.server.served import Served, serving
from tests.tracker.document import COSTS, EXPLORATION, FEEDBACK

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

SECONDS = int(os.environ.get("EXAMSGRAPH_LOAD_SECONDS", "60"))
CLIENTS = 16
BAR_A_SECOND = 1000
BAR_P99_MS = 50
BODIES = {"log-user-feedback": FEEDBACK, "log-llm-cost": COSTS[1], "trace-graph-exploration": EXPLORATION}


@dataclass(frozen=True, slots=True)
class Load:
    """What `hey` counted: answers of status 200 and others, the rate of all, and their time."""

    acknowledged: int
    others: str
    a_second: float
    p50_ms: float
    p99_ms: float


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    if shutil.which("hey") is None:
        pytest.skip("needs the load generator hey: apt-get install hey")
    with serving(tmp_path, api_requests_per_second="1e9") as server:
        yield server


def load(served: Served, path: str, a_second: int | None = None) -> Load:
    """Send the document's body to `path` for `SECONDS`, as fast as it is answered unless a rate is given."""
    command = ["hey", "-z", f"{SECONDS}s", "-c", str(CLIENTS), "-m", "POST", "-T", "application/json"]
    command += ["-d", json.dumps(BODIES[path], ensure_ascii=False)]
    if a_second is not None:
        command += ["-q", str(a_second / CLIENTS)]
    output = subprocess.run(
        [*command, f"{served.api}/{path}"], capture_output=True, check=True, text=True
    ).stdout
    statuses = {status: int(count) for status, count in re.findall(r"\[(\d+)\]\s+(\d+) responses", output)}
    return Load(
        acknowledged=statuses.pop("200", 0),
        others=f"{statuses}" if statuses else "",
        a_second=float(found(r"Requests/sec:\s+([\d.]+)", output)),
        p50_ms=1000 * float(found(r"50% in ([\d.]+) secs", output)),
        p99_ms=1000 * float(found(r"99% in ([\d.]+) secs", output)),
    )


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match[1]


def lines(served: Served) -> int:
    """How many whole facts are on disk; every line is read."""
    whole = [
        json.loads(line) for path in served.journal.segments() for line in path.read_bytes().splitlines()
    ]
    return len({fact["event_id"] for fact in whole})


def told(what: str, given: Load, on_disk: int) -> None:
    show(
        f"{what}: {given.acknowledged:,} acknowledged, {on_disk:,} on disk, {given.a_second:,.0f} a second, "
        f"p50 {given.p50_ms:.1f} ms, p99 {given.p99_ms:.1f} ms {given.others}".strip()
    )


@pytest.mark.parametrize("path", BODIES)
def test_as_many_as_it_can(served: Served, path: str) -> None:
    before = served.resident_mb()
    given = load(served, path)
    on_disk = lines(served)
    told(f"{path}, {CLIENTS} clients, {SECONDS} s, load {os.getloadavg()[0]:.1f}", given, on_disk)
    show(f"resident {before:.0f} MB before, {served.resident_mb():.0f} MB after")
    assert given.acknowledged <= on_disk <= given.acknowledged + CLIENTS
    assert given.a_second >= BAR_A_SECOND


def test_at_half_the_bar_answers_come_in_time(served: Served) -> None:
    given = load(served, "log-user-feedback", BAR_A_SECOND // 2)
    told(f"at {BAR_A_SECOND // 2} a second, load {os.getloadavg()[0]:.1f}", given, lines(served))
    assert given.a_second > 0.9 * BAR_A_SECOND / 2
    assert given.p99_ms < BAR_P99_MS


def test_killed_in_the_middle_it_has_lost_none_that_it_acknowledged(served: Served) -> None:
    killing = threading.Timer(SECONDS / 2, served.kill)
    killing.start()
    given = load(served, "log-user-feedback")
    killing.join()
    on_disk = lines(served)
    told(f"killed after {SECONDS / 2:g} s", given, on_disk)
    assert given.acknowledged > 0
    assert given.acknowledged <= on_disk <= given.acknowledged + CLIENTS


def test_while_questions_are_worked_out(served: Served) -> None:
    stopped = threading.Event()
    asked: list[Any] = []

    def ask() -> None:
        import httpx

        while not stopped.is_set():
            answer = httpx.get(f"{served.api}/analytics/top-failed-concepts", timeout=120)
            asked.append(answer.status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    given = load(served, "log-user-feedback", BAR_A_SECOND // 2)
    stopped.set()
    asking.join()
    told(f"at {BAR_A_SECOND // 2} a second beside {len(asked)} questions", given, lines(served))
    assert set(asked) == {200}
