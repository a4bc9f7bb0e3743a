"""Alerts where they meet others: the shipper, MLflow's pages, and a channel that Apprise knows."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from examsgraph_callbacks.alerts import AppriseChannel
from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.deliver.links import mlflow_links
from examsgraph_callbacks.errors import InvalidInputError
from tests.alerts.watching import Watching, not_understood
from tests.servers.fake_slack import FakeSlack, fake_slack
from tests.servers.mlflow_server import mlflow_server

__all__ = ["mlflow_server"]


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as running:
        yield running


def test_ship_follow_tells_alerts_while_mlflow_is_down(
    tmp_path: Path, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = Watching(tmp_path)
    watching.now = datetime.now(UTC)
    not_understood(watching, 10)
    came = threading.Event()
    slack.on_message = came.set
    monkeypatch.setenv("EXAMSGRAPH_SLACK_WEBHOOK", slack.url)
    command = [sys.executable, "-m", "examsgraph_callbacks", "ship", "--follow"]
    options = ["--journal", str(watching.journal.path), "--tracking-uri", "http://127.0.0.1:9"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shipper:
        assert came.wait(60)
        shipper.send_signal(signal.SIGTERM)
        shipper.communicate(timeout=60)
    assert shipper.returncode == 0
    assert slack.headlines == ["🔴 정규화: understood at 2 or less 10 times within 24 h"]


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
def test_the_link_is_the_experiments_page_in_a_real_mlflow(
    tmp_path: Path, mlflow_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = Watching(tmp_path)
    not_understood(watching, 1)
    assert mlflow_links(watching.journal, mlflow_server)("shipper_lag", "") == mlflow_server
    ship(watching.journal, mlflow_server)
    page = mlflow_links(watching.journal, mlflow_server)("concept_confusion", "정규화")
    assert page is not None
    assert page.startswith(f"{mlflow_server}/#/experiments/")
    assert page.endswith("/runs?searchFilter=tags.concept+%3D+%22%EC%A0%95%EA%B7%9C%ED%99%94%22")
    assert mlflow_links(watching.journal, "http://127.0.0.1:9")("daily_cost", "") == "http://127.0.0.1:9"
    assert mlflow_links(watching.journal, f"sqlite:///{tmp_path}/mlflow.db")("daily_cost", "") is None


# Apprise's own, on Python 3.11 and 3.12
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_any_apprise_url_is_a_channel(tmp_path: Path) -> None:
    taken: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if len(taken) == 1 else 200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        channel = AppriseChannel(f"json://127.0.0.1:{server.server_address[1]}/alerts")
        watching = Watching(tmp_path, [channel])
        not_understood(watching, 10)
        assert watching.round().delivery.waiting == 1
        watching.pass_by(seconds=5)
        assert watching.round().delivery.sent == 1
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert "정규화: understood at 2 or less 10 times" in taken[1]["title"]
    assert "무슨 말인지 더 쉽게 설명해줘" in taken[1]["message"]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_a_url_that_apprise_does_not_know_is_refused_without_its_secrets() -> None:
    with pytest.raises(InvalidInputError, match="begins with nosuch://") as raised:
        AppriseChannel("nosuch://token@host")
    assert "token" not in str(raised.value)
