"""How questions grow with a journal:  pytest -m benchmark -s tests/benchmarks/test_growth.py

`EXAMSGRAPH_BENCHMARK_SIZES` says of how many facts each journal is (a million and ten millions);
`EXAMSGRAPH_BENCHMARK_JOURNALS` names the folder where those made before are and new ones are kept;
`EXAMSGRAPH_BENCHMARK_ROUNDS` says how many rounds there are (5).
"""

import os
import statistics
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import pytest

from examsgraph_callbacks.analytics.dashboard import DashboardQuestions
from examsgraph_callbacks.journal import Journal
from tests.benchmarks.journals import grown
from tests.benchmarks.paired import machine
from tests.benchmarks.test_questions import QUESTIONS, timed
from tests.measure.facts import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(6 * 3600)]

SIZES = sorted(map(int, os.environ.get("EXAMSGRAPH_BENCHMARK_SIZES", "1_000_000 10_000_000").split()))
ROUNDS = int(os.environ.get("EXAMSGRAPH_BENCHMARK_ROUNDS", "5"))


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Path]:
    """A journal of each size, whose turns are a year's."""
    kept = Path(os.environ.get("EXAMSGRAPH_BENCHMARK_JOURNALS") or tmp_path_factory.mktemp("journals"))
    return {size: grown(kept / str(size), size).path for size in SIZES}


def ask(place: Path, question: str) -> float:
    """The shortest of three, in seconds."""
    return timed(getattr(DashboardQuestions(Journal(place)), question))[0]


def most_memory_gb() -> float:
    """Of this process since it began: what `getrusage` tells a new process is also its parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024 / 1e9


@pytest.fixture(scope="module")
def rounds(journals: Mapping[int, Path]) -> Mapping[str, Mapping[int, list[float]]]:
    """Seconds of each question at each size, round by round: sizes take turns, each with a new process."""
    taken: dict[str, dict[int, list[float]]] = {name: {size: [] for size in SIZES} for name in QUESTIONS}
    show(machine())
    for turn in range(ROUNDS):
        with ExitStack() as stack:
            processes = {
                size: stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
                for size in (SIZES if turn % 2 else reversed(SIZES))
            }
            for question in QUESTIONS:
                for size, process in processes.items():
                    seconds = process.submit(ask, journals[size], question).result()
                    taken[question][size].append(seconds)
            for size, process in processes.items():
                peak_gb = process.submit(most_memory_gb).result()
                show(f"round {turn + 1} of {ROUNDS}: {size:,} facts, most memory {peak_gb:.2f} GB")
    return taken


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_grows_no_worse_than_its_journal(
    rounds: Mapping[str, Mapping[int, list[float]]], question: str
) -> None:
    median = {size: statistics.median(taken) for size, taken in rounds[question].items()}
    show(question)
    for size, taken in rounds[question].items():
        show(f"{size:>13,} facts {median[size]:7.3f} s of {', '.join(f'{one:.3f}' for one in taken)}")
    for smaller, larger in pairwise(SIZES):
        times = median[larger] / median[smaller]
        show(f"{smaller:,} to {larger:,} facts, {larger / smaller:.0f} times: {times:.1f} times as long")
    for smaller, larger in pairwise(SIZES):
        assert median[larger] <= larger / smaller * median[smaller], f"from {smaller:,} to {larger:,} facts"
