"""A process killed in the middle of its work leaves every call that had returned in the journal.

All twenty:  pytest -m "soak or not soak" tests/journal/test_killed.py
"""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from examsgraph_callbacks.events import LLMCall, Trace
from examsgraph_callbacks.journal import Journal, Problem

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "attempt", [*range(5), *(pytest.param(further, marks=pytest.mark.soak) for further in range(5, 20))]
)
def test_every_call_that_had_returned_is_in_the_journal(attempt: int, tmp_path: Path) -> None:
    application = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.killed_application", str(tmp_path / "journal")],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert application.stdout is not None
    lines_before_the_kill = random.Random(attempt).randrange(1, 400)
    with application, application.stdout as output:
        returned = [output.readline().strip() for _ in range(lines_before_the_kill)]
        application.send_signal(signal.SIGKILL)
        # what had been said before the kill arrived has returned too; the last line may be torn
        rest = output.read()
        returned += rest[: rest.rfind("\n") + 1].split()
    assert application.returncode == -signal.SIGKILL

    problems: list[Problem] = []
    facts = list(Journal(tmp_path / "journal").read(on_problem=problems.append))
    asked = {
        str(fact.request.messages[0].content) for fact in facts if isinstance(fact, LLMCall) and fact.request
    }
    turns = {fact.inputs for fact in facts if isinstance(fact, Trace)}
    assert set(returned) <= asked
    assert set(returned) <= turns
    assert len(returned) >= lines_before_the_kill
    assert all("torn" in problem.reason for problem in problems)
    assert len(problems) <= 1
