"""Counters of a journal at a known time, and what they come to."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from examsgraph_callbacks.counters import Counted, Counters
from examsgraph_callbacks.counters.series import Number
from examsgraph_callbacks.defaults import ZERO_SECONDS
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from tests.deliver.factories import (
    BEGAN,
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
    # a look reads all there is, however slow the machine is
    options = {"now": lambda: NOW, "budget_seconds": 600.0, **options}
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
