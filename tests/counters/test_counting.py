"""Counters of a journal: each fact counts once, whatever becomes of its file, and nothing goes down."""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.counters import Counted, Counters
from examsgraph_callbacks.counters.series import HISTOGRAMS, LIMITS, SERIES, Number
from examsgraph_callbacks.counters.state import _PATIENCE_SECONDS
from examsgraph_callbacks.counters.state import counting as counting_state
from examsgraph_callbacks.defaults import ZERO_SECONDS
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Exposure, Fact, PromptScore
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.learner import Learner
from examsgraph_callbacks.measure import Meter
from tests.deliver.factories import (
    BEGAN,
    comparison,
    exploration,
    feedback,
    full_turn,
    hex_id,
    llm_call,
    small_turn,
)

NOW = BEGAN + timedelta(hours=1)


class Clock:
    """By which it is counted."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float = ZERO_SECONDS) -> None:
        self.now += timedelta(seconds=seconds)


def counters(journal: Journal, **options: object) -> Counters:
    options = {"now": lambda: NOW, **options}
    return Counters(journal, ZoneInfo("Asia/Seoul"), Meter(), **options)  # type: ignore[arg-type]


def written(journal: Journal, facts: Iterable[Fact]) -> None:
    for fact in facts:
        journal.write(fact)


def values(counted: Counted, name: str) -> dict[tuple[str, ...], tuple[Number, ...]]:
    samples = next(samples for series, samples in counted.samples if series.name == name)
    return {sample.labels: sample.values for sample in samples}


def everything(counted: Counted) -> dict[tuple[str, tuple[str, ...]], tuple[Number, ...]]:
    return {
        (series.name, sample.labels): sample.values
        for series, samples in counted.samples
        for sample in samples
    }


def test_it_counts_what_a_turn_was(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    written(journal, [*full_turn(), feedback(), comparison()])
    counted = counters(journal).look()
    assert counted.caught_up
    assert counted.facts == 9
    assert values(counted, "examsgraph_calls") == {
        ("llm", "gpt-4o-mini", "complex_reasoning", "ok"): (1,),
        ("llm", "gpt-4o-mini", "unknown", "error"): (1,),
        ("llm", "우리모델-7b", "unknown", "ok"): (1,),
    }
    cost = Meter().measure(llm_call(input_tokens=1500, output_tokens=800, cached_tokens=1024)).cost_usd
    assert values(counted, "examsgraph_cost_usd") == {("gpt-4o-mini", "complex_reasoning"): (cost,)}
    assert values(counted, "examsgraph_unpriced_calls")["우리모델-7b",] == (1,)
    assert values(counted, "examsgraph_errors") == {("gpt-4o-mini", "RateLimitError"): (1,)}
    assert values(counted, "examsgraph_misroutes") == {("gpt-4o-mini", "complex_reasoning"): (1,)}
    assert values(counted, "examsgraph_path_hops") == {("정규화",): (3,)}
    assert values(counted, "examsgraph_stray_hops") == {("정규화",): (1,)}
    assert values(counted, "examsgraph_poor_understanding") == {("정규화",): (1,)}
    assert values(counted, "examsgraph_understanding_score") == {("정규화",): (1, 2)}
    assert values(counted, "examsgraph_prompt_understanding_score") == {("v2_friendly",): (1, 2)}
    assert values(counted, "examsgraph_prompt_response_length_characters")["v1_strict",] == (1, 41)
    assert counted.today_usd == cost


def test_times_fall_into_the_bucket_that_still_holds_them(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number, latency in enumerate((100.0, 100.1, 60_000.0, 61_000.0)):
        journal.write(llm_call(name=str(number), latency_ms=latency, time_to_first_token_ms=latency / 10))
    written(journal, [llm_call(name="hit", status="cache_hit", latency_ms=1.0)])
    counted = counters(journal).look()
    *buckets, seconds = values(counted, "examsgraph_call_latency_seconds")["gpt-4o-mini",]
    bounds = [*HISTOGRAMS["examsgraph_call_latency_seconds"], float("inf")]
    filled = {bound: count for bound, count in zip(bounds, buckets, strict=True) if count}
    assert filled == {0.1: 1, 0.25: 1, 60.0: 1, float("inf"): 1}
    assert seconds == pytest.approx(121.2001)
    assert sum(values(counted, "examsgraph_time_to_first_token_seconds")["gpt-4o-mini",][:-1]) == 4


def test_each_look_adds_what_is_new_and_reads_nothing_else(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    counting = counters(journal)
    written(journal, small_turn("one"))
    counting.look()
    [segment] = journal.segments()
    read_before = segment.stat().st_size
    written(journal, small_turn("two"))
    with segment.open("r+b") as file:  # whoever read it again would find nothing
        file.write(b"\n" * read_before)
    counted = counting.look()
    assert counted.facts == 6
    assert sum(value for (value,) in values(counted, "examsgraph_calls").values()) == 4
    assert counting.look() == counted


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


def test_no_series_and_no_file_of_it_knows_a_user_or_a_session(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    written(journal, [*full_turn(), feedback()])
    told = repr(counters(journal).look())
    kept = b"".join(file.read_bytes() for file in (tmp_path / "counters").iterdir())
    assert not {"user_id", "session_id"} & {label for series in SERIES.values() for label in series.labels}
    for name in ("user_001", "session_123"):
        assert name not in told
        assert name.encode() not in kept


def test_a_label_tells_apart_so_many_values_and_the_rest_are_others(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(LIMITS["model"] + 5):
        journal.write(llm_call(name=str(number), served_model=f"model-{number}"))
    counting = counters(journal)
    calls = values(counting.look(), "examsgraph_calls")
    assert len(calls) == LIMITS["model"] + 1
    assert calls["llm", "other", "unknown", "ok"] == (5,)
    journal.write(llm_call(name="again", served_model="model-3"))
    journal.write(llm_call(name="more", served_model="model-99"))
    calls = values(counters(journal).look(), "examsgraph_calls")
    assert calls["llm", "model-3", "unknown", "ok"] == (2,)
    assert calls["llm", "other", "unknown", "ok"] == (6,)


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


def test_a_journal_that_is_not_there_yet_is_not_made_and_its_first_facts_are_new(tmp_path: Path) -> None:
    clock = Clock()
    counting = counters(Journal(tmp_path / "journal"), now=clock)
    nothing = counting.look()
    assert nothing.caught_up
    assert values(nothing, "examsgraph_path_length_hops")[()][-1] == 0
    assert not (tmp_path / "journal").exists()
    written(Journal(tmp_path / "journal"), small_turn("one"))
    assert set(values(counting.look(), "examsgraph_calls").values()) == {(0,)}
    clock.wait()
    assert set(values(counting.look(), "examsgraph_calls").values()) == {(1,)}


def test_what_stood_there_at_first_is_told_when_it_is_all_counted_and_never_as_an_increase(
    tmp_path: Path,
) -> None:
    for part in range(3):
        file = tmp_path / f"{part}.jsonl"
        writing = Journal(tmp_path / "elsewhere" / str(part))
        written(writing, small_turn(str(part)))
        file.write_bytes(writing.segments()[0].read_bytes())
    counting = counters(Journal(tmp_path), budget_seconds=-1.0)  # a lot a look
    looks = [counting.look() for _ in range(5)]
    assert [each.facts for each in looks] == [3, 6, 9, 9, 9]
    assert [bool(each.samples) for each in looks] == [False, False, False, True, True]
    assert sum(value for (value,) in values(looks[3], "examsgraph_calls").values()) == 6


def test_feedback_finds_its_concept_by_its_turn_or_by_its_question(tmp_path: Path) -> None:
    journal, clock = Journal(tmp_path), Clock()
    counting = counters(journal, now=clock)
    written(journal, [exploration(), *small_turn("other", after_seconds=10)])
    counting.look()
    written(
        journal,
        [
            feedback(after_seconds=60),
            feedback(after_seconds=61, trace_id=None),
            feedback(after_seconds=62, trace_id=None, session_id="another"),
            feedback(after_seconds=63, concept="조인", understanding_score=5),
            feedback(after_seconds=64, understanding_score=None),
        ],
    )
    counting.look()
    clock.wait()
    counted = counting.look()
    assert values(counted, "examsgraph_poor_understanding") == {
        ("정규화",): (2,),
        ("unknown",): (1,),
        ("조인",): (0,),
    }
    assert values(counted, "examsgraph_feedback") == {("thumbs_down",): (5,)}


def test_prompts_are_counted_by_variant(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    about = {"started_at": BEGAN, "user_id": "user_001", "prompt_variant": "v1_strict"}
    written(
        journal,
        [
            Exposure(event_id=hex_id("exposure"), experiment="tone", **about),
            PromptScore(event_id=hex_id("score"), comparison_id="c", score=0.8, **about),
            comparison(manual_scores={"v1_strict": 0.5}),
        ],
    )
    counted = counters(journal).look()
    assert values(counted, "examsgraph_prompt_exposures") == {("tone", "v1_strict"): (1,)}
    count, total = values(counted, "examsgraph_prompt_score")["v1_strict",]
    assert count == 2
    assert float(total) == pytest.approx(1.3)


def test_todays_cost_is_that_of_the_calendar_day_by_the_zones_clock(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    midnight = datetime(2026, 1, 15, 15, tzinfo=UTC)  # in Seoul
    for name, moment in (("late", midnight - timedelta(seconds=1)), ("early", midnight)):
        journal.write(llm_call(name=name, started_at=moment, stated_cost_usd=Decimal("1.1")))
    times = [midnight - timedelta(minutes=1), midnight + timedelta(minutes=1)]
    counting = Counters(journal, ZoneInfo("Asia/Seoul"), Meter(), now=lambda: times[0])
    assert counting.look().today_usd == Decimal("1.1")
    times.pop(0)
    journal.write(llm_call(name="more", started_at=midnight, stated_cost_usd=Decimal("0.1")))
    assert counting.look().today_usd == Decimal("1.2")


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
