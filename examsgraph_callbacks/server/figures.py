"""All that the server tells Prometheus: of itself, its journal, and incidents; never who asked."""

from collections.abc import Iterator

from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.server.incident_figures import IncidentFigures
from examsgraph_callbacks.server.journal_figures import JournalFigures
from examsgraph_callbacks.server.shipping import ShippingFigures
from examsgraph_callbacks.settings import Settings

__all__ = ["Figures"]

_BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Figures:
    """Counts requests and their time by route and status; the rest is read when it is asked for."""

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "examsgraph_http_requests", "Requests.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "examsgraph_http_request_duration_seconds",
            "Time to the answer, in seconds.",
            ("route",),
            buckets=_BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_ProcessFigures(journal))
        self._registry.register(ShippingFigures(journal))
        self._registry.register(IncidentFigures(journal, settings))
        self._registry.register(JournalFigures(journal, settings.time_zone, settings.metrics_zero_seconds))

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> Response:
        """All figures as Prometheus reads them."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


class _ProcessFigures(Collector):
    """What this process holds, has lost, and failed at."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def collect(self) -> Iterator[Metric]:
        held = GaugeMetricFamily("examsgraph_facts_held", "Facts that wait in memory for the disk.")
        held.add_metric((), self._journal.held)
        yield held
        dropped = CounterMetricFamily("examsgraph_facts_dropped", "Facts lost: memory and disk were full.")
        dropped.add_metric((), self._journal.dropped)
        yield dropped
        failed = CounterMetricFamily(
            "examsgraph_failures", "Failures of this package, by what failed.", labels=("where",)
        )
        for where, count in failures.counts().items():
            failed.add_metric((where,), count)
        yield failed
