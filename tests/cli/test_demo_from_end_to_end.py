"""`examsgraph demo` in an empty directory, as a newcomer runs it, and what can be done afterwards."""

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
Examsgraph = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def examsgraph(tmp_path: Path) -> Examsgraph:
    """The command, run in a directory of its own with no key and no server in its environment."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OPENAI_", "NEO4J_", "MLFLOW_", "EXAMSGRAPH_"))
        }
        return subprocess.run(
            [sys.executable, "-m", "examsgraph_callbacks", *arguments],
            cwd=tmp_path,
            env={**kept, "PYTHONPATH": str(REPOSITORY), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def test_the_demo_records_ships_and_sums_up_and_so_do_the_verbs_after_it(
    examsgraph: Examsgraph,
    tmp_path: Path,
) -> None:
    demo = examsgraph("demo", "--pace", "0")

    assert demo.returncode == 0, demo.stderr
    assert demo.stderr == "", "a pipe sees neither progress nor warnings"
    assert "scripted, with canned answers" in demo.stdout
    assert "in memory" in demo.stdout
    assert "⚠ 2 misrouted calls" in demo.stdout
    assert "→ SQL 문법 (0.72) ⚠️ strange path found!" in demo.stdout
    assert "44 traces and 38 path runs went to sqlite:///" in demo.stdout
    assert re.search(r"New runs besides: \d in LLM_Cost, 38 in User_Feedback", demo.stdout)

    command = shlex.split(next(line for line in demo.stdout.splitlines() if "mlflow ui" in line))
    database = command[command.index("--backend-store-uri") + 1].removeprefix("sqlite:///")
    assert Path(database).is_relative_to(tmp_path)
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM trace_info").fetchone() == (44,)
    connection.close()

    report = examsgraph("report")
    assert report.returncode == 0
    assert report.stdout.strip() in demo.stdout

    again = examsgraph("ship")
    assert again.returncode == 0
    assert "0 traces and 0 path runs went to" in again.stdout


def test_an_mlflow_that_is_down_costs_the_demo_nothing_but_the_shipping(
    examsgraph: Examsgraph,
    tmp_path: Path,
) -> None:
    demo = examsgraph("demo", "--pace", "0", MLFLOW_TRACKING_URI="http://127.0.0.1:9")

    assert demo.returncode == 0
    assert "Not shipped: expected an MLflow server at http://127.0.0.1:9" in demo.stderr
    assert "⚠ 2 misrouted calls" in demo.stdout
    assert re.search(r"^  examsgraph ship --journal \S+/journal$", demo.stdout, re.MULTILINE)
    segments = (tmp_path / ".examsgraph" / "journal").glob("*.jsonl")
    facts = [json.loads(line) for segment in segments for line in segment.read_text().splitlines()]
    assert sum(fact["kind"] == "trace" for fact in facts) == 44
