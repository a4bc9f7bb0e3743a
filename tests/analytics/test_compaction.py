"""Compaction: the same facts before and after, whatever happens in the midst of it."""

import os
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from pyarrow import parquet

from examsgraph_callbacks.analytics import Analytics
from examsgraph_callbacks.deliver.checkpoint import Checkpoint, SegmentCheckpoint, delivered_everywhere
from examsgraph_callbacks.journal import Journal, Problem
from examsgraph_callbacks.journal.encode import encode_fact
from examsgraph_callbacks.journal.lake import Lake
from examsgraph_callbacks.journal.store import Folder
from examsgraph_callbacks.measure import Meter, PriceList, PriceOverride
from examsgraph_callbacks.settings import Settings
from tests.analytics.compacted import NOW, answers, append, compacted, every_id
from tests.analytics.facts import answered
from tests.journal.test_columns import BROKEN, UNUSUAL


def test_facts_are_whole_and_in_the_same_order_as_before(journal: Journal) -> None:
    before, told = list(journal.read()), answers(journal)
    done = compacted(journal)
    assert (done.facts, done.segments, done.removed, done.kept) == (36, 3, 0, 3)
    assert list(journal.read()) == before
    assert answers(journal) == told

    done = compacted(journal)
    assert (done.facts, done.removed, done.kept) == (0, 3, 0)
    assert journal.segments() == []
    assert list(journal.read()) == before
    assert answers(journal) == told


def test_facts_lie_by_the_day_on_which_they_were_written(journal: Journal) -> None:
    compacted(journal)
    days = sorted(path.name for path in (journal.path / "lake" / "facts").iterdir())
    assert days == ["date=2025-01-01", "date=2025-01-02", "date=2025-01-03"]


def test_compacted_in_small_pieces_they_are_the_same(journal: Journal) -> None:
    before = list(journal.read())
    compacted(journal, rows_a_commit=1)
    assert len(Lake(Folder(journal.path / "lake")).commits()) == 3
    compacted(journal)
    assert list(journal.read()) == before


def test_lines_that_somebody_damaged_hold_up_nobody(journal: Journal) -> None:
    (segment, *_) = journal.segments()
    uncounted = encode_fact(answered(input_tokens=None, answer=[{"role": "user", "content": "예"}]))
    damaged = uncounted.replace(b'"role":', b'"roll":')
    for line in (*BROKEN.values(), *UNUSUAL.values(), damaged):
        append(segment, line)
    problems: list[Problem] = []
    before, told = list(journal.read(problems.append)), answers(journal)
    lines = {problem.line for problem in problems}
    assert lines >= set(BROKEN.values()) - {b"  \n"}
    problems.clear()
    compacted(journal)
    compacted(journal)
    assert journal.segments() == []
    assert [fact.event_id for fact in journal.read(problems.append)] == [fact.event_id for fact in before]
    assert {problem.line for problem in problems} == lines
    assert answers(journal) == told


def test_what_is_being_written_is_left_alone_until_it_is_not(journal: Journal) -> None:
    before = every_id(journal)
    journal.write(answered(event_id="open", started_at=NOW))
    assert compacted(journal).facts == len(before)
    journal.write(answered(event_id="later", started_at=NOW))
    assert every_id(journal) == [*before, "open", "later"]
    journal.close()
    assert compacted(journal).facts == 2
    compacted(journal)
    assert journal.segments() == []
    assert every_id(journal) == [*before, "open", "later"]


def test_lines_that_are_no_facts_are_kept_and_told(journal: Journal) -> None:
    broken = b'{"kind": "dream"}\n'
    append(journal.path / "b.jsonl", broken)
    before = every_id(journal)
    compacted(journal)
    compacted(journal)
    problems: list[Problem] = []
    assert [fact.event_id for fact in journal.read(problems.append)] == before
    (problem,) = problems
    assert (problem.segment.name, problem.line) == ("b.jsonl", broken)
    assert "unknown kind" in problem.reason


def test_a_torn_end_stays_where_it_is(journal: Journal) -> None:
    torn = journal.path / "c.jsonl"
    append(torn, b'{"kind":"feed')
    compacted(journal)
    compacted(journal)
    assert journal.segments() == [torn]


def test_what_is_not_shipped_stays(journal: Journal) -> None:
    compacted(journal, is_delivered=lambda segment, _size: segment.name == "a.jsonl")
    done = compacted(journal, is_delivered=lambda segment, _size: segment.name == "a.jsonl")
    assert (done.removed, done.kept) == (1, 2)
    assert [path.name for path in journal.segments()] == ["b.jsonl", "c.jsonl"]


def test_a_segment_stays_for_those_who_have_begun_to_read_it(journal: Journal) -> None:
    grace = timedelta(minutes=10)
    compacted(journal, now=lambda: NOW, grace=grace)
    assert compacted(journal, now=lambda: NOW + grace - timedelta(seconds=1), grace=grace).removed == 0
    assert compacted(journal, now=lambda: NOW + grace, grace=grace).removed == 3


def test_delivered_is_what_every_destination_has_to_the_end(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = journal.path / "a.jsonl"
    size = segment.stat().st_size
    monkeypatch.delenv("EXAMSGRAPH_SHIP", raising=False)
    assert not delivered_everywhere(journal.path)(segment, size), "it is not shipped yet"
    monkeypatch.setenv("EXAMSGRAPH_SHIP", "off")
    assert delivered_everywhere(journal.path)(segment, size), "it never will be"

    shipped = journal.path / "shipped"
    shipped.mkdir()

    def at(name: str, **place: object) -> None:
        seen = SegmentCheckpoint.model_validate(place)
        (shipped / f"{name}.json").write_text(Checkpoint(segments={"a.jsonl": seen}).model_dump_json())

    at("one", offset=size)
    assert delivered_everywhere(journal.path)(segment, size)
    at("two", offset=size - 1)
    assert not delivered_everywhere(journal.path)(segment, size)
    at("two", offset=size, waiting=(0,))
    assert not delivered_everywhere(journal.path)(segment, size), "a turn still waits for its root"
    at("two", offset=size, unlinked=(0,))
    assert not delivered_everywhere(journal.path)(segment, size), "a feedback still waits for its turn"
    at("two", offset=size)
    assert delivered_everywhere(journal.path)(segment, size)


def test_a_lake_may_be_an_object_store(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    before, told = every_id(journal), answers(journal)
    monkeypatch.setenv("EXAMSGRAPH_LAKE", "memory://bucket/lake")
    compacted(journal)
    compacted(journal)
    assert journal.segments() == []
    assert not (journal.path / "lake").exists()
    assert every_id(journal) == before
    asked = Analytics(journal)
    assert [asked.top_failed_concepts(), asked.average_cost()] == told[:2]


OTHER_PRICES = Meter(PriceList([PriceOverride(model="gpt-4o*", input=Decimal(1000), output=Decimal(0))]))


@pytest.mark.parametrize("meter", [Meter(), OTHER_PRICES], ids=["the same prices", "other prices"])
def test_a_lake_that_is_older_than_a_column_answers_as_if_it_were_not(meter: Meter, journal: Journal) -> None:
    kept_for_an_hour = answered(
        provider="anthropic",
        requested_model="claude-haiku-4-5",
        served_model="claude-haiku-4-5",
        cache_write_tokens=1000,
        cache_write_1h_tokens=600,
    )
    not_told = kept_for_an_hour.model_copy(
        update={
            "event_id": "not told",
            "served_model": "claude-sonnet-4-5",
            "cache_write_1h_tokens": None,
            "cache_write_split_open": True,
        }
    )
    compacted(journal, meter=Meter())
    for file in (journal.path / "lake" / "calls").rglob("*.parquet"):
        rows = parquet.read_table(file, partitioning=None)
        parquet.write_table(rows.drop_columns(["cache_write_1h_tokens", "cache_write_split_open"]), file)
    only_old = costs(journal, meter)
    append(journal.path / "d.jsonl", encode_fact(kept_for_an_hour))
    append(journal.path / "d.jsonl", encode_fact(not_told))
    as_told = Journal(journal.path.parent / "as told")
    as_told.path.mkdir()
    for segment in journal.segments():
        (as_told.path / segment.name).write_bytes(segment.read_bytes())
    compacted(journal, meter=Meter())

    everything = costs(as_told, meter)
    assert costs(journal, meter) == everything
    # 500 at 1, 400 at 1.25, 600 at 2 and 800 at 5 USD a million
    assert everything - only_old == Counter({Decimal("0.0062"): 1, None: 1})


def costs(journal: Journal, meter: Meter) -> Counter[Decimal | None]:
    """What each route cost."""
    return Counter(
        route.cost_usd for route in Analytics(journal, Settings(lake=None), meter).routing().routes
    )


def test_the_lake_belongs_to_the_users_group_and_not_to_the_world(journal: Journal) -> None:
    mask = os.umask(0o027)
    try:
        compacted(journal)
    finally:
        os.umask(mask)
    for path in (journal.path / "lake").rglob("*"):
        assert path.stat().st_mode & 0o007 == 0, path
