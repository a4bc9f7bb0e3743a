"""Counters go on after a restart, a compaction, a look that failed: nothing counts twice, nothing is lost."""

import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.counters.state import _PATIENCE_SECONDS
from examsgraph_callbacks.counters.state import counting as counting_state
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.learner import Learner
from examsgraph_callbacks.measure import Meter
from tests.counters.counted import Clock, counters, everything, values, written
from tests.deliver.factories import (
    exploration,
    feedback,
    full_turn,
    llm_call,
    small_turn,
)


def test_a_line_that_is_half_written_counts_when_it_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(llm_call())
    [segment] = journal.segments()
    line = segment.read_bytes()
    with segment.open("ab") as file:
        file.write(line[:50])
        file.flush()
        counting = counters(journal)
        assert counting.look().facts == 1
        file.write(line[50:])
    assert counting.look().facts == 2


@pytest.mark.parametrize("when", ["before the first look", "after it", "after half of it"])
def test_compaction_changes_no_figure(tmp_path: Path, when: str) -> None:
    plain, compacted = Journal(tmp_path / "plain"), Journal(tmp_path / "compacted")
    everywhere = [*full_turn(), *small_turn("two", after_seconds=90), feedback(after_seconds=120)]
    for journal in (plain, compacted):
        written(journal, everywhere)
        journal.close()
    clock = Clock()
    counting = counters(compacted, now=clock)
    if when == "after it":
        counting.look()
    if when == "after half of it":
        half = len(compacted.segments()[0].read_bytes()) // 2
        with_half = compacted.segments()[0]
        whole = with_half.read_bytes()
        with_half.write_bytes(whole[:half])
        counting.look()
        with_half.write_bytes(whole)
    for _ in range(2):  # compacted, then removed
        compact(compacted, Meter(), is_delivered=lambda _segment, _size: True, grace=timedelta(days=-1))
    assert compacted.segments() == []
    counted, expected = counting.look(), counters(plain).look()
    assert counted.facts == expected.facts == len(everywhere)
    clock.wait()
    assert everything(counting.look()) == everything(expected)
    written(compacted, small_turn("three"))
    assert counting.look().facts == len(everywhere) + 3


def test_of_a_lake_that_journals_share_each_counts_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_LAKE", str(tmp_path / "lake"))
    here, there = Journal(tmp_path / "here"), Journal(tmp_path / "there")
    of_here, of_there = counters(here), counters(there)
    written(here, small_turn("one"))
    written(there, [*small_turn("two"), *small_turn("three", after_seconds=9)])
    assert (of_here.look().facts, of_there.look().facts) == (3, 6)
    written(here, small_turn("four"))  # not counted yet when it is compacted and gone
    for journal in (here, there):
        journal.close()
        for _ in range(2):
            compact(journal, Meter(), is_delivered=lambda _segment, _size: True, grace=timedelta(days=-1))
        assert journal.segments() == []
    assert (of_here.look().facts, of_there.look().facts) == (6, 6)
    assert (counters(here).look().facts, counters(there).look().facts) == (6, 6)


def test_a_restart_goes_on_where_the_last_server_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    written(journal, small_turn("one"))
    before = counters(journal).look()
    written(journal, small_turn("two"))
    after = counters(journal).look()
    assert after.facts == before.facts + 3
    assert counters(journal).look() == after


def test_who_is_forgotten_takes_nothing_from_the_counters(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    written(journal, [*full_turn(), feedback()])
    before = counters(journal).look()
    assert forget(journal, Learner(frozenset({"user_001"}))) > 0
    after = counters(journal).look()
    assert everything(after) == everything(before)


def test_a_clock_that_is_wrong_holds_nothing_up(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for name, year in (("early", 1), ("late", 9999)):
        moment = datetime(year, 12, 31, 23, 59, tzinfo=UTC)
        journal.write(llm_call(name=name, started_at=moment, stated_cost_usd=Decimal(1), latency_ms=0.5))
        journal.write(exploration(name, started_at=moment, latency_ms=0.5))
    written(journal, small_turn("now"))
    counted = counters(journal).look()
    assert counted.facts == 7
    assert sum(value for (value,) in values(counted, "examsgraph_calls").values()) == 4
    assert Decimal(0) < counted.today_usd < Decimal(1)


def test_a_look_that_fails_counts_nothing_and_the_next_one_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    written(journal, [*small_turn("one"), feedback()])
    counting = counters(journal)
    with monkeypatch.context() as patched:
        patched.setattr("examsgraph_callbacks.counters.subjects.Subjects.of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            counting.look()
    assert counting.look().facts == 4
    assert counting.look().facts == 4


def test_what_a_look_that_fails_had_read_of_the_lake_is_counted_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    written(journal, [*small_turn("one"), feedback()])
    journal.close()
    for _ in range(2):  # compacted, then removed
        compact(journal, Meter(), is_delivered=lambda _segment, _size: True, grace=timedelta(days=-1))
    assert journal.segments() == []
    counting = counters(journal)
    with monkeypatch.context() as patched:
        patched.setattr("examsgraph_callbacks.counters.state.State.keep_sums", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            counting.look()
    assert counting.look().facts == 4


def test_a_damaged_file_is_said_to_be_one_and_what_to_do(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    written(journal, small_turn("one"))
    counters(journal).look()
    for file in (tmp_path / "counters").iterdir():
        file.write_bytes(b"no database " * 500)
    with pytest.raises(InvalidInputError, match="damaged, delete the folder"):
        counters(journal).look()
    shutil.rmtree(tmp_path / "counters")
    assert counters(journal).look().facts == 3


def test_while_another_server_counts_a_look_waits_no_longer_than_a_scrape_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _PATIENCE_SECONDS < 5
    monkeypatch.setattr("examsgraph_callbacks.counters.state._PATIENCE_SECONDS", 0.01)
    journal = Journal(tmp_path)
    written(journal, small_turn("one"))
    counting = counters(journal)
    assert counting.look().facts == 3
    with counting_state(tmp_path), pytest.raises(InvalidInputError, match="another server counts"):
        counting.look()
    assert counting.look().facts == 3
