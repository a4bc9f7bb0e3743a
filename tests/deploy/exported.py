"""The names of all that `/metrics` exports, and the names in a PromQL expression."""

import re

from prometheus_client.parser import text_string_to_metric_families

from examsgraph_callbacks.counters import SERIES

__all__ = ["exported_names", "metrics_in"]

_SUFFIXES = {
    "counter": ("_total",),
    "summary": ("_count", "_sum"),
    "histogram": ("_bucket", "_count", "_sum"),
    "gauge": ("",),
}
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def exported_names(text: str | None = None) -> set[str]:
    """The names of samples: of the text that a server gave, else of all that a server may give."""
    if text is not None:
        kinds = {family.name: family.type for family in text_string_to_metric_families(text)}
    else:
        kinds = {series.name: str(series.kind) for series in SERIES.values()} | _OF_THE_SERVER
    return {f"{name}{suffix}" for name, kind in kinds.items() for suffix in _SUFFIXES[kind]}


def metrics_in(expression: str) -> set[str]:
    """The metrics that an expression names: ours, recorded ones, and `up`."""
    plain = re.sub(r'"[^"]*"', "", expression)
    return {name for name in _NAME.findall(plain) if name.startswith("examsgraph") or name == "up"}


_OF_THE_SERVER = {
    "examsgraph_counters_ready": "gauge",
    "examsgraph_cost_today_usd": "gauge",
    "examsgraph_facts_counted": "counter",
    "examsgraph_facts_dropped": "counter",
    "examsgraph_facts_held": "gauge",
    "examsgraph_failures": "counter",
    "examsgraph_http_request_duration_seconds": "histogram",
    "examsgraph_http_requests": "counter",
    "examsgraph_incidents_open": "gauge",
    "examsgraph_shipping_dead_letters": "gauge",
    "examsgraph_shipping_facts_behind": "gauge",
    "examsgraph_shipping_failing": "gauge",
    "examsgraph_shipping_following": "gauge",
    "examsgraph_shipping_lag_seconds": "gauge",
}
