"""How many incidents are open, for Prometheus: read from what watching the journal noted."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from examsgraph_callbacks.alerts import incidents, load_rules, open_state
from examsgraph_callbacks.alerts.state import has_state
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.settings import Settings

__all__ = ["IncidentFigures"]


class IncidentFigures(Collector):
    """The open incidents of each rule, 0 for a rule without any."""

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self._journal = journal
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        try:
            open_now = Counter({rule.name: 0 for rule in load_rules(self._settings.alerts).rules})
            if has_state(self._journal.path):
                with open_state(self._journal.path) as state:
                    open_now.update(each.rule for each in incidents(state.sql, open_only=True))
        except Exception as error:  # noqa: BLE001 - the other figures are not to go with it
            failures.report("reading the open incidents", error)
            return
        gauge = GaugeMetricFamily(
            "examsgraph_incidents_open", "Incidents that are open, by rule.", labels=("rule",)
        )
        for rule, number in sorted(open_now.items()):
            gauge.add_metric((rule,), number)
        yield gauge
