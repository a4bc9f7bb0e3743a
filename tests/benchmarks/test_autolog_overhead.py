"""What autolog adds to a call beside a handler attached by hand, and `examsgraph run` to a start."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from examsgraph_callbacks import autolog
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.benchmarks.paired import machine, paired
from tests.benchmarks.test_handler_overhead import Work, ainvoke, chain_of_three, invoke

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).resolve().parents[2]
ONE_CALL = """
from langchain_core.language_models import FakeListChatModel
FakeListChatModel(responses=["!"]).invoke("?")
"""


def switched(work: Callable[[int], None], journal: Path | None) -> Callable[[int], None]:
    """The work under autolog, or (None) with it off; switching takes microseconds of the whole."""

    def switched_work(repetitions: int) -> None:
        autolog(journal, disable=journal is None)
        work(repetitions)

    return switched_work


@pytest.mark.parametrize(
    ("name", "work", "repetitions"),
    [("invoke", invoke, 300), ("ainvoke", ainvoke, 200), ("chain of 3 steps", chain_of_three, 150)],
)
def test_a_call(name: str, work: Work, repetitions: int, tmp_path: Path) -> None:
    by_hand = ExamsGraphCallbackHandler(tmp_path / "by hand")
    variants = {
        "nothing": switched(work({"callbacks": []}), None),
        "by hand": switched(work({"callbacks": [by_hand]}), None),
        "autolog": switched(work({"callbacks": []}), tmp_path / "autolog"),
    }
    try:
        timings = paired(variants, baseline="by hand", repetitions=repetitions)
    finally:
        autolog(disable=True)
    assert failures.counts() == {}, "a handler that fails is fast: these figures would be false"
    nothing, hand, auto = timings["nothing"], timings["by hand"], timings["autolog"]
    print(  # noqa: T201
        f"\n{name:18} nothing {nothing.microseconds:7.1f} µs   by hand {hand.microseconds:7.1f} µs   "
        f"autolog {auto.microseconds:7.1f} µs   autolog more than by hand {auto.added:+6.1f} µs "
        f"({auto.added_low:+.1f} to {auto.added_high:+.1f})   {machine()}",
    )


@pytest.mark.parametrize(
    ("name", "text", "rounds", "bar"),
    [
        ("an empty script", "", 31, "bar 60 ms"),
        ("import langchain_openai", "import langchain_openai", 9, "bar 60 ms"),
        ("and one call of a model", ONE_CALL, 15, "the first call imports the handler"),
    ],
)
def test_a_start(name: str, text: str, rounds: int, bar: str, tmp_path: Path) -> None:
    application = tmp_path / "app.py"
    application.write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled")}
    # as installed: compiled once
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def start(*command: str) -> Callable[[int], None]:
        def work(repetitions: int) -> None:
            for _ in range(repetitions):
                subprocess.run(
                    [sys.executable, *command, str(application)], cwd=tmp_path, env=environment, check=True
                )

        return work

    timings = paired(
        {"plain": start(), "run": start("-m", "examsgraph_callbacks", "run")},
        baseline="plain",
        repetitions=1,
        rounds=rounds,
    )
    plain, run = timings["plain"], timings["run"]
    print(  # noqa: T201
        f"\n{name:24} python {plain.microseconds / 1000:7.1f} ms   examsgraph run "
        f"{run.microseconds / 1000:7.1f} ms   added {run.added / 1000:5.1f} ms "
        f"({run.added_low / 1000:.1f} to {run.added_high / 1000:.1f})   {bar}   {machine()}",
    )
