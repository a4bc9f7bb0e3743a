"""A series that is new is told as 0 long enough, and one that was told never again."""

from pathlib import Path

import pytest

from examsgraph_callbacks.counters import Counters
from examsgraph_callbacks.counters.series import Number
from examsgraph_callbacks.counters.state import counting as counting_state
from examsgraph_callbacks.defaults import ZERO_SECONDS
from examsgraph_callbacks.journal import Journal
from tests.counters.counted import Clock, counters, values, written
from tests.deliver.factories import (
    full_turn,
    llm_call,
)

KEY = ("llm", "gpt-4o-mini", "unknown", "ok")


def calls_told(counting: Counters, **how: bool) -> Number:
    return values(counting.look(**how), "examsgraph_calls")[KEY][0]


def test_a_new_series_is_told_as_0_long_enough_for_every_prometheus(tmp_path: Path) -> None:
    journal, clock = Journal(tmp_path), Clock()
    counting = counters(journal, now=clock)
    counting.look()
    written(journal, [llm_call(), llm_call(name="two")])
    assert calls_told(counting, told=False) == 0
    clock.wait(1e6)
    # two that scrape once a minute; of each the first scrape is lost
    seen: dict[str, list[Number]] = {"one": [], "another": []}
    for scrape in range(8):
        name = ("one", "another")[scrape % 2]
        told = calls_told(counters(journal, now=clock))
        if scrape >= 2:
            seen[name].append(told)
        clock.wait(30)
    assert seen == {"one": [0, 0, 2], "another": [0, 2, 2]}
    written(journal, [llm_call(name="three")])
    assert calls_told(counting) == 3


def test_what_was_told_is_never_told_as_0_again_whatever_the_clock_does(tmp_path: Path) -> None:
    journal, clock = Journal(tmp_path), Clock()
    counting = counters(journal, now=clock)
    counting.look()
    written(journal, [llm_call()])
    assert calls_told(counting) == 0
    clock.wait()
    assert calls_told(counting) == 1
    clock.wait(-ZERO_SECONDS + 1)
    assert calls_told(counting) == 1
    clock.wait(-1e6)
    assert calls_told(counting) == 1


def test_what_a_server_of_before_had_told_is_told_on(tmp_path: Path) -> None:
    journal, clock = Journal(tmp_path), Clock()
    counting = counters(journal, now=clock)
    counting.look()
    written(journal, [llm_call()])
    counting.look()
    with counting_state(tmp_path) as state:
        state.sql.execute("update series set shown = 1")
        for index in ("turn_by_day", "question_by_day"):
            state.sql.execute(f"drop index {index}")
    assert calls_told(counting) == 1


@pytest.mark.parametrize("table", ["turn", "question"])
def test_what_is_old_is_dropped_without_a_look_at_all_the_rest(tmp_path: Path, table: str) -> None:
    journal = Journal(tmp_path)
    written(journal, full_turn())
    counters(journal).look()
    with counting_state(tmp_path) as state:
        [plan] = state.sql.execute(f"explain query plan delete from {table} where day < 1").fetchall()
    assert plan[-1].startswith(f"SEARCH {table} USING")
