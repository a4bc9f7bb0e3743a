"""`/metrics`: what a scrape tells of the journal, and how little it reads for that."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families

from examsgraph_callbacks.alerts import Rules, open_watch
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.whole_lines import whole_lines
from examsgraph_callbacks.server.figures import Figures
from examsgraph_callbacks.server.journal_figures import JournalFigures
from examsgraph_callbacks.settings import Settings
from tests.deliver.factories import feedback, full_turn, small_turn
from tests.deploy.exported import exported_names


def scraped(figures: Figures) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """The samples by name and labels."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(bytes(figures.text().body).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def of(journal: Journal) -> Figures:
    return Figures(journal, Settings())


def test_a_scrape_tells_what_the_journal_adds_up_to(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for fact in (*full_turn(), feedback()):
        journal.write(fact)
    figures = of(journal)
    figures.count("/v1/mlflow/log-llm-cost", 200, 0.002)
    told = scraped(figures)
    assert sum(told["examsgraph_calls_total"].values()) == 3
    assert told["examsgraph_stray_hops_total"] == {(("concept", "정규화"),): 1}
    assert told["examsgraph_poor_understanding_total"] == {(("concept", "정규화"),): 1}
    assert told["examsgraph_counters_ready"] == {(): 1}
    latency = told["examsgraph_call_latency_seconds_bucket"]
    assert latency[("le", "+Inf"), ("model", "우리모델-7b")] == 1
    assert latency[("le", "0.5"), ("model", "우리모델-7b")] == 1
    assert latency[("le", "0.25"), ("model", "우리모델-7b")] == 0
    assert {name for name in told if not name.endswith("_created")} <= exported_names()


def test_a_scrape_reads_only_what_came_since_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, read = Journal(tmp_path), list[tuple[int, int]]()
    figures = of(journal)

    def counted(segment: Path, begin: int) -> Iterator[pa.Buffer]:
        for lines in whole_lines(segment, begin):
            read.append((begin, begin + lines.size))
            begin += lines.size
            yield lines

    monkeypatch.setattr("examsgraph_callbacks.journal.column_tail.whole_lines", counted)
    for name in ("one", "two", "three"):
        for fact in small_turn(name):
            journal.write(fact)
        scraped(figures)
        scraped(figures)
    ends = [end for _, end in read]
    assert [begin for begin, _ in read] == [0, *ends[:-1]]
    assert ends[-1] == journal.segments()[0].stat().st_size


def test_open_incidents_are_told_by_rule(tmp_path: Path) -> None:
    journal, now = Journal(tmp_path), datetime.now(UTC)
    assert scraped(of(journal))["examsgraph_incidents_open"] == {
        (("rule", "concept_confusion"),): 0,
        (("rule", "daily_cost"),): 0,
    }
    for number in range(10):
        journal.write(feedback(f"{number}", concept="정규화", started_at=now - timedelta(minutes=number)))
    with open_watch(journal, Rules(), [], zone=ZoneInfo("UTC")) as watch:
        watch.round()
    assert scraped(of(journal))["examsgraph_incidents_open"] == {
        (("rule", "concept_confusion"),): 1,
        (("rule", "daily_cost"),): 0,
    }


def test_a_journal_that_cannot_be_counted_leaves_the_other_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    for fact in full_turn():
        journal.write(fact)
    figures = of(journal)
    before = scraped(figures)
    monkeypatch.setattr("examsgraph_callbacks.counters.counting.counting", lambda _place: 1 / 0)
    after = scraped(figures)
    assert after["examsgraph_calls_total"] == before["examsgraph_calls_total"]
    assert scraped(figures)["examsgraph_failures_total"][("where", "counting the journal"),] >= 1
    assert "examsgraph_calls_total" not in scraped(of(journal))
    assert "examsgraph_shipping_facts_behind" in scraped(of(journal))


def test_much_that_is_old_is_counted_beside_the_scrapes_and_told_when_it_is_all_there(
    tmp_path: Path,
) -> None:
    for number in range(4):
        elsewhere = Journal(tmp_path / "elsewhere" / str(number))
        for fact in small_turn(str(number)):
            elsewhere.write(fact)
        [segment] = elsewhere.segments()
        segment.rename(tmp_path / f"{number}.jsonl")
    figures = of(Journal(tmp_path))
    [collector] = [each for each in figures._registry._collector_to_names if isinstance(each, JournalFigures)]
    collector._counters._budget_seconds = -1.0  # a segment a look
    first = scraped(figures)
    assert first["examsgraph_counters_ready"] == {(): 0}
    assert "examsgraph_calls_total" not in first
    assert collector._catching_up is not None
    collector._catching_up.join(30)
    told = scraped(figures)
    assert told["examsgraph_counters_ready"] == {(): 1}
    assert sum(told["examsgraph_calls_total"].values()) == 8
