"""What is no report is refused with a 4xx in the one shape, takes no memory and records nothing."""

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.server import Service, application, bodies
from tests.measure.facts import show
from tests.server.malformed import malformed_bodies
from tests.server.served import Served, curl, serving
from tests.tracker.document import COSTS, FEEDBACK

JSON = {"Content-Type": "application/json"}
GROWTH_MB = 30


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, api_requests_per_second="1e9") as server:
        yield server


def send(served: Served, bodies: Iterator[tuple[str, bytes]], at_once: int = 8) -> Counter[int]:
    """The statuses of all answers, each of which is in the one shape."""

    async def sender(client: httpx.AsyncClient) -> None:
        for path, body in bodies:
            answer = await client.post(f"{served.api}/{path}", content=body, headers=JSON)
            statuses[answer.status_code] += 1
            assert 400 <= answer.status_code < 500, (path, body[:200], answer.text[:500])
            error = answer.json()["error"]
            assert error.keys() == {"message", "field", "came", "allowed"}
            assert len(answer.content) < 3000
            assert "Traceback" not in answer.text
            assert str(served.journal.path.parent) not in answer.text

    async def senders() -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            await asyncio.gather(*(sender(client) for _ in range(at_once)))

    statuses: Counter[int] = Counter()
    asyncio.run(senders())
    return statuses


@pytest.mark.parametrize("count", [1500, pytest.param(10_000, marks=pytest.mark.soak)])
def test_malformed_bodies_are_refused_and_leave_nothing(served: Served, count: int) -> None:
    send(served, malformed_bodies(500, seed=2))
    before = served.resident_mb()
    statuses = send(served, malformed_bodies(count))
    after = served.resident_mb()

    show(f"{count} malformed bodies: {dict(statuses)}; resident {before:.0f} MB before, {after:.0f} MB after")
    assert statuses.total() == count
    assert set(statuses) <= {400, 413, 422}
    assert served.facts() == []
    assert after - before < GROWTH_MB
    assert "Traceback" not in served.log.read_text()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_50_mb_is_refused_without_being_kept(served: Served, tmp_path: Path, chunked: bool) -> None:
    large = tmp_path / "large.json"
    large.write_bytes(b'{"feedback_type": "thumbs_up", "followup_text": "' + b"a" * 50_000_000 + b'"}')
    send(served, malformed_bodies(50))
    before = served.resident_mb()
    for _ in range(3):
        status = post_file(f"{served.api}/log-user-feedback", large, chunked=chunked)
        assert status in {413, 0}, "0: it hung up while the rest was still being sent"
    after = served.resident_mb()

    show(f"50 MB, three times: resident {before:.0f} MB before, {after:.0f} MB after")
    assert after - before < GROWTH_MB
    assert served.facts() == []
    assert curl(f"{served.api}/log-user-feedback", FEEDBACK)[0] == 200


def post_file(url: str, file: Path, *, chunked: bool) -> int:
    command = [
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        url,
        "-H",
        "Content-Type: application/json",
    ]
    command += ["-H", "Expect:", "-T" if chunked else "--data-binary", str(file) if chunked else f"@{file}"]
    command += ["-X", "POST", "-H", "Transfer-Encoding: chunked"] if chunked else []
    return int(subprocess.run(command, capture_output=True, check=False, timeout=60).stdout)


async def test_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_SECONDS", 0.05)

    async def trickle() -> AsyncIterator[bytes]:
        yield b'{"feedback_type":'
        await asyncio.Event().wait()

    app = application(Service(Journal(tmp_path), guarded=False))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        answer = await client.post("/v1/mlflow/log-user-feedback", content=trickle(), headers=JSON)
    assert answer.status_code == 408
    assert [*Journal(tmp_path).read()] == []


@pytest.mark.parametrize(
    ("body", "type_", "status"),
    [
        ('{"feedback_type": "thumbs_up"}', "text/plain", 415),
        ('{"feedback_type": "thumbs_up"}', "application/x-www-form-urlencoded", 415),
        ('{"feedback_type": "thumbs_up"}', "Application/JSON; charset=utf-8", 200),
    ],
)
def test_what_is_not_said_to_be_json_is_not_taken(served: Served, body: str, type_: str, status: int) -> None:
    answer = httpx.post(f"{served.api}/log-user-feedback", content=body, headers={"Content-Type": type_})
    assert answer.status_code == status


def test_a_cost_as_exact_as_it_came_and_a_number_that_is_none(served: Served) -> None:
    body = {**COSTS[0], "estimated_cost": 0.1}
    assert curl(f"{served.api}/log-llm-cost", body)[0] == 200
    (line,) = served.journal.segments()[0].read_text().splitlines()
    assert '"stated_cost_usd":"0.1"' in line
