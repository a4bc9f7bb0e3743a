"""Who may write and who may read: by token, or this machine alone; nobody else leaves a fact behind."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.server import Service, serve
from examsgraph_callbacks.server.access import Access
from examsgraph_callbacks.server.rates import RateLimit
from examsgraph_callbacks.server.refusals import Refusal
from tests.server.served import curl, serving
from tests.tracker.document import FEEDBACK


def request(token: str | None = None, *, client: str = "10.0.0.7", host: str = "api.example") -> Request:
    headers = [(b"host", host.encode())]
    if token is not None:
        headers.append((b"authorization", token.encode("latin-1", "replace")))
    return Request({"type": "http", "headers": headers, "client": (client, 5000)})


def refused(access: Access, asked: Request, scope: Any) -> int | None:
    try:
        access.check(asked, scope)
    except Refusal as refusal:
        return refusal.status
    return None


@pytest.mark.parametrize("tokens", ["write:T,read:T", "read:T, write:T"])
def test_a_token_that_stands_twice_has_the_scopes_of_both_places(tokens: str) -> None:
    access = Access(tokens)
    assert refused(access, request("Bearer T"), "write") is None
    assert refused(access, request("Bearer T"), "read") is None


@pytest.mark.parametrize(
    ("token", "write", "read"),
    [
        (None, 401, 401),
        ("", 401, 401),
        ("Bearer", 401, 401),
        ("Bearer ", 401, 401),
        ("Bearer wrong", 401, 401),
        ("Basic old-token", 401, 401),
        ("Bearer w1", None, 403),
        ("bearer w1", None, 403),
        ("Bearer w2", None, 403),
        ("Bearer r3ad", 403, None),
        ("Bearer old-token", None, None),
        ("Bearer both:x", None, None),
        ("Bearer write:w1", 401, 401),
    ],
)
def test_a_token_opens_what_it_is_for(token: str | None, write: int | None, read: int | None) -> None:
    access = Access("write:w1, write:w2, read:r3ad, both:x, old-token")
    assert refused(access, request(token), "write") == write
    assert refused(access, request(token), "read") == read


@pytest.mark.parametrize(
    ("client", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8000", None),
        ("127.0.0.1", "localhost", None),
        ("::1", "[::1]:8000", None),
        ("::1", "[::1]", None),
        ("127.0.0.1", "evil.example:8000", 403),
        ("10.0.0.7", "localhost:8000", 403),
    ],
)
def test_without_tokens_only_this_machine_gets_in_and_by_its_own_name(
    client: str, host: str, status: int | None
) -> None:
    assert refused(Access(None), request(client=client, host=host), "write") == status


@pytest.mark.parametrize("tokens", ["", " , ", "write:", "read: ,x"])
def test_tokens_that_name_none_are_told_at_once(tokens: str) -> None:
    with pytest.raises(InvalidInputError, match="EXAMSGRAPH_API_TOKENS"):
        Access(tokens)


def test_without_tokens_it_serves_no_address_that_others_reach(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"expected EXAMSGRAPH_API_TOKENS .* got host 0\.0\.0\.0"):
        serve(Service(Journal(tmp_path)), host="0.0.0.0")


def test_over_http_a_wrong_token_leaves_nothing_and_a_right_one_a_fact(tmp_path: Path) -> None:
    with serving(tmp_path, api_tokens="write:wr1te-key,read:r3ad-key") as served:
        url = f"{served.api}/log-user-feedback"
        status, answer = curl(url, FEEDBACK)
        assert (status, answer["error"]["field"]) == (401, None)
        assert curl(url, FEEDBACK, "-H", "Authorization: Bearer wrong")[0] == 401
        assert curl(url, FEEDBACK, "-H", "Authorization: Bearer r3ad-key")[0] == 403
        assert curl(f"{served.api}/analytics/margin", None, "-H", "Authorization: Bearer wr1te-key")[0] == 403
        assert curl(f"{served.url}/health")[0] == 200
        assert served.facts() == []
        assert curl(url, FEEDBACK, "-H", "Authorization: Bearer wr1te-key")[0] == 200
        assert len(served.facts()) == 1
        assert "wr1te-key" not in served.log.read_text()


def test_without_tokens_it_says_so(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert "No tokens are set (EXAMSGRAPH_API_TOKENS): only this machine" in served.log.read_text()


def test_each_client_has_so_many_requests_a_second_and_no_more() -> None:
    clock = SimpleNamespace(now=0.0)
    rates = RateLimit(2, lambda: clock.now)
    refused: list[object] = []

    def taken(client: str, times: int) -> int:
        count = 0
        for _ in range(times):
            try:
                rates.take(client)
            except Refusal as refusal:
                refused.append((refusal.status, refusal.headers))
            else:
                count += 1
        return count

    assert (taken("a", 5), taken("b", 1)) == (2, 1)
    clock.now = 0.5
    assert taken("a", 5) == 1
    clock.now = 60.0
    assert taken("a", 5) == 2
    assert refused == [(429, {"Retry-After": "1"})] * 10


def test_over_http_one_too_many_is_429_and_leaves_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, api_requests_per_second="1") as served:
        answers = [curl(f"{served.api}/log-user-feedback", FEEDBACK)[0] for _ in range(4)]
        assert answers[0] == 200
        assert 429 in answers
        assert len(served.facts()) == answers.count(200)


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None;"
        "from examsgraph_callbacks.__main__ import main; sys.argv = ['examsgraph', 'serve']; main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "fastapi is needed for this and is not installed: run pip install" in ended.stderr
    assert "'examsgraph-callbacks[server]'" in ended.stderr
