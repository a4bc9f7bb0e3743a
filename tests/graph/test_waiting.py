"""Work that blocks is waited for as long as it may take, and no longer."""

import os
import subprocess
import sys
import threading
from contextvars import ContextVar
from pathlib import Path

import pytest

from examsgraph_callbacks.graph.waiting import within

ROOT = Path(__file__).parents[2]


def test_what_the_work_returns_or_raises_comes_back() -> None:
    assert within(10, lambda: "answer") == "answer"
    with pytest.raises(ValueError, match="'x'"):
        within(10, lambda: int("x"))


def test_what_takes_longer_is_left_to_itself() -> None:
    may_end, ended = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait(20)
        ended.set()

    with pytest.raises(TimeoutError):
        within(0.01, work)
    assert within(10, lambda: "the next") == "the next"
    may_end.set()
    assert ended.wait(20)


def test_it_runs_in_the_callers_context() -> None:
    learner: ContextVar[str] = ContextVar("learner")
    learner.set("user_001")
    assert within(10, learner.get) == "user_001"


def test_a_thread_serves_one_after_another() -> None:
    assert len({within(10, threading.get_ident) for _ in range(50)}) == 1


def test_at_once_each_has_a_thread_of_its_own() -> None:
    together = threading.Barrier(4)
    waiting = [threading.Thread(target=within, args=(20, together.wait)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    within(20, together.wait)  # breaks where any of them has to wait for another
    for thread in waiting:
        thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_waits_for_no_thread_of_its_parent() -> None:
    script = (
        "import os; from examsgraph_callbacks.graph.waiting import within; within(10, str)\n"
        "child = os.fork()\n"
        "if not child: os._exit(0 if within(10, lambda: 1) == 1 else 3)\n"
        "assert os.waitpid(child, 0)[1] == 0"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 0


def test_a_process_ends_though_work_goes_on() -> None:
    script = (
        "import threading; from examsgraph_callbacks.graph.waiting import within\n"
        "try: within(0.01, threading.Event().wait)\n"
        "except TimeoutError: print('left')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "left\n"
