"""`examsgraph alerts run --follow` under SIGKILLs, with a fake Slack over HTTP: no message is lost.

All twenty:  pytest -m soak tests/alerts
"""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.alerts.watching import Watching, not_understood
from tests.servers.fake_slack import FakeSlack, fake_slack


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as running:
        yield running


def alerts(journal: Path, slack: FakeSlack, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "examsgraph_callbacks", "alerts", *arguments, "--journal", str(journal)]
    environment = {
        **os.environ,
        "EXAMSGRAPH_SLACK_WEBHOOK": slack.url,
        "EXAMSGRAPH_SHIP": "off",
        "MLFLOW_TRACKING_URI": f"sqlite:///{journal.parent}/mlflow.db",
    }
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.soak)])
def test_kills_lose_no_message(tmp_path: Path, slack: FakeSlack, kills: int) -> None:
    """Half are killed in the midst of a delivery, before or after Slack has it; half at any moment."""
    watching, chance = Watching(tmp_path), random.Random(20)
    watching.now = datetime.now(UTC)
    for kill in range(kills):
        not_understood(watching, 10, f"개념 {kill}")
        process = alerts(watching.journal.path, slack, "run", "--follow")
        if kill % 2:
            slack.script.append(500 if kill % 4 == 1 else 200)
            slack.on_message = process.kill
            process.wait(timeout=60)
        else:
            slack.on_message = lambda: None
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=chance.uniform(0.2, 4))
            process.kill()
        process.communicate()
        assert process.returncode == -9

    slack.on_message = lambda: None
    last = alerts(watching.journal.path, slack, "run")
    output, problems = last.communicate(timeout=60)
    assert last.returncode == 0, problems
    assert "Nothing new" in output or "🔴" in output
    came = Counter(headline.split(":")[0].removeprefix("🔴 ") for headline in slack.headlines)
    assert set(came) == {f"개념 {kill}" for kill in range(kills)}
    # one that was killed between Slack's answer and its own note sends that message again, and no other
    assert came.total() <= kills + kills


def test_the_commands_tell_what_they_do(tmp_path: Path, slack: FakeSlack) -> None:
    watching = Watching(tmp_path)
    watching.now = datetime.now(UTC)
    not_understood(watching, 10)
    output, _ = alerts(watching.journal.path, slack, "test").communicate(timeout=60)
    assert output == "slack: sent\n"
    output, _ = alerts(watching.journal.path, slack, "run").communicate(timeout=60)
    assert output == "🔴 정규화: understood at 2 or less 10 times within 24 h\n1 message sent\n"
    output, _ = alerts(watching.journal.path, slack, "list").communicate(timeout=60)
    assert "  open  정규화: understood at 2 or less 10 times within 24 h\n" in output
    assert slack.headlines == [
        "🔔 test: 정규화: understood at 2 or less 10 times within 24 h",
        "🔴 정규화: understood at 2 or less 10 times within 24 h",
    ]
    slack.script.append(400)
    process = alerts(watching.journal.path, slack, "test")
    _, problems = process.communicate(timeout=60)
    assert (process.returncode, problems) == (1, "slack: Slack answered 400: no_service\n")
