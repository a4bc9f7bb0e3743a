"""How far the journal is shipped to MLflow, for Prometheus: each scrape reads what came since."""

import threading
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from examsgraph_callbacks.deliver import Behind, ShippingStatus, shipping_status
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal

__all__ = ["ShippingFigures"]

_GAUGES: tuple[tuple[str, str, Callable[[ShippingStatus], float]], ...] = (
    ("facts_behind", "Facts that MLflow does not have yet.", lambda status: status.facts_behind),
    (
        "lag_seconds",
        "Age of the oldest fact that MLflow does not have yet, in seconds; 0 where it has all.",
        lambda status: status.oldest_undelivered_seconds or 0,
    ),
    ("dead_letters", "Facts that could not be delivered and were set aside.", lambda it: it.dead_letters),
    ("failing", "1 where the last try to ship failed.", lambda status: status.error is not None),
    ("following", "1 where a process ships by itself or follows.", lambda status: status.shipping),
)


class ShippingFigures(Collector):
    """A journal's progress, by the destination: an address or a database, without credentials."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._behind = Behind()
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        try:
            with self._lock:
                statuses = shipping_status(self._journal, behind=self._behind)
        except OSError as error:
            # a segment that was deleted in the midst of it; the other figures are not to go with it
            failures.report("reading how far the journal is shipped", error)
            return
        for name, meaning, value_of in _GAUGES:
            gauge = GaugeMetricFamily(f"examsgraph_shipping_{name}", meaning, labels=("destination",))
            for status in statuses:
                gauge.add_metric((status.tracking_uri,), value_of(status))
            yield gauge
