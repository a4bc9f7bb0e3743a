"""What the journal adds up to, for Prometheus: each scrape reads what came since the one before."""

import threading
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from examsgraph_callbacks.counters import HISTOGRAMS, Counted, Counters, Sample, Series
from examsgraph_callbacks.defaults import ZERO_SECONDS
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal

__all__ = ["JournalFigures"]


class JournalFigures(Collector):
    """The counters of a journal; a day's cost is that of the calendar day by the zone's clock.

    A scrape that has much to read tells what is counted so far, and leaves the rest to a thread: the next
    ones wait for nothing.
    """

    def __init__(self, journal: Journal, zone: ZoneInfo, zero_seconds: float = ZERO_SECONDS) -> None:
        self._counters = Counters(journal, zone, zero_seconds=zero_seconds)
        self._lock = threading.Lock()
        self._counted: Counted | None = None
        self._catching_up: threading.Thread | None = None

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            is_busy = self._catching_up is not None and self._catching_up.is_alive()
            if not is_busy and (counted := self._look()) is not None:
                self._counted = counted
                if counted.is_behind:
                    self._catching_up = threading.Thread(
                        target=self._catch_up, name="examsgraph-counting", daemon=True
                    )
                    self._catching_up.start()
            told = self._counted
        return iter(()) if told is None else _families(told)

    def _look(self, *, told: bool = True) -> Counted | None:
        try:
            return self._counters.look(told=told)
        except Exception as error:  # noqa: BLE001 - the other figures are not to go with it
            failures.report("counting the journal", error)
            return None

    def _catch_up(self) -> None:
        while (counted := self._look(told=False)) is not None and counted.is_behind:
            if not counted.caught_up:
                self._counted = counted  # nothing but how far it is


def _families(counted: Counted) -> Iterator[Metric]:
    facts = CounterMetricFamily("examsgraph_facts_counted", "Facts of the journal that were counted.")
    facts.add_metric((), counted.facts)
    yield facts
    yield _gauge(
        "examsgraph_counters_ready",
        "1 when all was counted that stood in the journal at first; what it comes to is told from then on.",
        counted.caught_up,
    )
    if counted.caught_up:
        yield _gauge(
            "examsgraph_cost_today_usd",
            "Cost of the calls of this calendar day in the configured time zone, in USD.",
            float(counted.today_usd),
        )
    for series, samples in counted.samples:
        yield _family(series, samples)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    gauge = GaugeMetricFamily(name, meaning)
    gauge.add_metric((), value)
    return gauge


def _family(series: Series, samples: tuple[Sample, ...]) -> Metric:
    if series.kind == "counter":
        counter = CounterMetricFamily(series.name, series.meaning, labels=series.labels)
        for labels, values in samples:
            counter.add_metric(labels, float(values[0]))
        return counter
    if series.kind == "summary":
        summary = SummaryMetricFamily(series.name, series.meaning, labels=series.labels)
        for labels, (count, total) in samples:
            summary.add_metric(labels, int(count), float(total))
        return summary
    histogram = HistogramMetricFamily(series.name, series.meaning, labels=series.labels)
    bounds = [*map(floatToGoString, HISTOGRAMS[series.name]), "+Inf"]
    for labels, (*counts, total) in samples:
        so_far, buckets = 0.0, []
        for bound, count in zip(bounds, counts, strict=True):
            so_far += float(count)
            buckets.append((bound, so_far))
        histogram.add_metric(labels, buckets, float(total))
    return histogram
