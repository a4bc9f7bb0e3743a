"""Counters and questions, which have nothing but the journal in common, come to the same figures."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from examsgraph_callbacks.analytics import Analytics
from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.counters import Counted, Counters
from examsgraph_callbacks.counters.series import Number
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.settings import Settings
from tests.benchmarks.journals import write_segment

TURNS = 1000  # some 6,000 facts, of a month: each day's are files of their own where they are compacted


def total(counted: Counted, name: str, place: int = 0, **labels: str) -> Number:
    [(series, samples)] = [each for each in counted.samples if each[0].name == name]
    chosen: Iterable[Number] = (
        sample.values[place]
        for sample in samples
        if labels.items() <= dict(zip(series.labels, sample.labels, strict=True)).items()
    )
    return sum(chosen, start=Decimal(0)) if name.endswith("_usd") else sum(float(each) for each in chosen)


@pytest.mark.parametrize("compacted", [False, True])
def test_a_journal_of_thousands_of_facts(tmp_path: Path, *, compacted: bool) -> None:
    journal, meter = Journal(tmp_path), Meter()
    for begin in (0, TURNS // 2):
        write_segment(tmp_path / f"{begin:012d}.jsonl", begin, TURNS // 2, 12 * TURNS)
    if compacted:
        for _ in range(2):
            compact(journal, meter, is_delivered=lambda _segment, _size: True, grace=timedelta(days=-1))
        assert journal.segments() == []
    # feedback comes long after its turn's day here: as if it were all read on the first day
    counting = Counters(
        journal, ZoneInfo("UTC"), meter, now=lambda: datetime(2025, 1, 1, tzinfo=UTC), budget_seconds=600
    )
    counted = counting.look()
    questions = Analytics(journal, Settings(), meter)

    hours = questions.cost_by_hour().hours
    assert total(counted, "examsgraph_calls") == sum(hour.calls for hour in hours)
    assert total(counted, "examsgraph_cost_usd") == sum(hour.cost_usd or 0 for hour in hours)
    assert total(counted, "examsgraph_tokens") == sum(hour.total_tokens or 0 for hour in hours)

    routes = questions.routing().routes
    assert total(counted, "examsgraph_misroutes") == sum(route.misroutes or 0 for route in routes)

    models = questions.performance().models
    assert total(counted, "examsgraph_errors") == sum(model.failed for model in models)

    paths = questions.path_quality()
    hops = sum(relation.hops for relation in paths.relations)
    assert total(counted, "examsgraph_path_hops") == hops
    assert total(counted, "examsgraph_stray_hops") == sum(each.anomalous for each in paths.relations)
    assert total(counted, "examsgraph_explorations") == paths.explorations
    assert paths.average_depth is not None
    depth = float(total(counted, "examsgraph_exploration_depth_hops", -1)) / paths.explorations
    assert depth == pytest.approx(paths.average_depth)

    understood = questions.understanding_by_concept()
    for each in understood.concepts:
        scores = float(total(counted, "examsgraph_understanding_score", 0, concept=each.concept))
        points = float(total(counted, "examsgraph_understanding_score", 1, concept=each.concept))
        assert scores == each.scores
        assert points / scores == pytest.approx(each.understanding)
