"""How many facts a second a compaction takes up:  pytest -m benchmark -s tests/benchmarks/test_compaction.py

`EXAMSGRAPH_BENCHMARK_FACTS` says of how many (five millions).
"""

import os
import shutil
import statistics
import time
from datetime import timedelta
from pathlib import Path

import pytest

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.benchmarks.journals import FACTS_A_TURN, write_segment
from tests.benchmarks.paired import machine
from tests.measure.facts import show

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

FACTS = int(os.environ.get("EXAMSGRAPH_BENCHMARK_FACTS", "5_000_000"))
ROUNDS = 3
SEGMENTS = 8
BAR_FACTS_A_SECOND = 100_000


def test_compaction(tmp_path: Path) -> None:
    """The first round imports what a compaction needs, as that of a new process would."""
    turns = round(FACTS / FACTS_A_TURN / SEGMENTS)
    segments = tmp_path / "segments"
    for number in range(SEGMENTS):
        write_segment(segments / f"{number:012d}.jsonl", number * turns, turns, SEGMENTS * turns)
    show(f"{FACTS:,} facts in {SEGMENTS} segments, {machine()}")
    rates = []
    for number in range(ROUNDS):
        place = shutil.copytree(segments, tmp_path / str(number))
        begun, cpu = time.perf_counter(), time.process_time()
        done = compact(Journal(place), Meter(), is_delivered=lambda *_: True, grace=timedelta(0))
        seconds, busy = time.perf_counter() - begun, time.process_time() - cpu
        show(f"{done.facts / seconds:,.0f} facts a second, {done.facts / busy:,.0f} a second of CPU")
        rates.append(done.facts / seconds)
        shutil.rmtree(place)
    if FACTS >= 1_000_000:
        assert statistics.median(rates) >= BAR_FACTS_A_SECOND
