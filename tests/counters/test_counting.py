"""Counters of a journal: each fact counts once, whatever becomes of its file, and nothing goes down."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from examsgraph_callbacks.counters import Counters
from examsgraph_callbacks.counters.series import HISTOGRAMS, LIMITS, SERIES
from examsgraph_callbacks.events import Exposure, PromptScore
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.counters.counted import Clock, counters, values, written
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
    looks = [counting.look() for _ in range(4)]
    assert [each.facts for each in looks] == [3, 6, 9, 9]
    assert [each.is_behind for each in looks] == [True, True, False, False]
    assert [bool(each.samples) for each in looks] == [False, False, True, True]
    assert sum(value for (value,) in values(looks[2], "examsgraph_calls").values()) == 6


def test_however_long_the_last_lot_takes_all_is_counted_with_it(tmp_path: Path) -> None:
    journal, hours = Journal(tmp_path), count(step=3600)
    written(journal, small_turn("one"))
    counted = counters(journal, budget_seconds=1.0, monotonic_seconds=lambda: next(hours)).look()
    assert counted.caught_up
    assert not counted.is_behind
    assert sum(value for (value,) in values(counted, "examsgraph_calls").values()) == 2


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
