"""How long Prometheus waits for `/metrics`, by the size of the journal and what is new in it."""

import os
import time
from pathlib import Path
from statistics import median

import pytest

from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.server.figures import Figures
from examsgraph_callbacks.settings import Settings
from tests.benchmarks.journals import FACTS_A_TURN, write_segment
from tests.measure.facts import show

FACTS = int(os.environ.get("EXAMSGRAPH_BENCHMARK_FACTS", "1000000"))
_A_SEGMENT = 78_125


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_a_scrape_waits_for_what_is_new_and_for_nothing_else(tmp_path: Path) -> None:
    journal, turns = Journal(tmp_path), round(FACTS / FACTS_A_TURN)
    for begin in range(0, turns, _A_SEGMENT):
        write_segment(
            journal.path / f"{begin:012d}.jsonl", begin, min(_A_SEGMENT, turns - begin), turns + 100_000
        )
    figures = Figures(journal, Settings())

    def scrape() -> tuple[float, str]:
        began = time.perf_counter()
        text = bytes(figures.text().body).decode()
        return time.perf_counter() - began, text

    began, while_counting = time.perf_counter(), []
    while True:
        took, text = scrape()
        if "examsgraph_counters_ready 1.0" in text:
            break
        while_counting.append(took)
        time.sleep(0.5)
    while_counting = while_counting or [took]
    show(f"\n{FACTS:,} facts, {sum(path.stat().st_size for path in journal.segments()):,} bytes")
    show(f"counted for the first time in {time.perf_counter() - began:.1f} s, beside the scrapes,")
    others = median(while_counting[1:] or while_counting)
    show(f"of which the first took {while_counting[0]:.2f} s, the others {others:.3f} s")
    quiet = [scrape()[0] for _ in range(11)]
    show(f"a scrape with nothing new: {median(quiet):.3f} s ({len(text):,} bytes of text)")
    for number, new in enumerate((1_000, 10_000)):
        fresh = turns + 1_000 + 20_000 * number
        write_segment(
            journal.path / f"9{fresh:011d}.jsonl", fresh, round(new / FACTS_A_TURN), turns + 100_000
        )
        show(f"a scrape with {new:,} facts that are new: {scrape()[0]:.3f} s")
    again = Figures(journal, Settings())
    began = time.perf_counter()
    again.text()
    show(f"the first scrape of another server: {time.perf_counter() - began:.3f} s")
    assert median(quiet) < 1
