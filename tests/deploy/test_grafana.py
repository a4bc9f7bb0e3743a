"""The Grafana dashboard: what its script makes, what Grafana's schema allows, what Prometheus can answer."""

import json
import runpy
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.deploy.exported import exported_names, metrics_in
from tests.servers.prometheus_server import running_prometheus

GRAFANA = Path(__file__).resolve().parents[2] / "deploy" / "grafana"
COMMITTED = GRAFANA / "dashboards" / "examsgraph.json"
SCHEMA = Path(__file__).with_name("grafana_schema") / "grafana-12.4.11.json"
VIEWS = ["GraphRAG path tracing", "Prompt experimentation", "User feedback", "LLM cost"]


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return read


def problems(content: dict[str, Any]) -> list[str]:
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return [error.message for error in validator.iter_errors(content)]


def expressions() -> Iterator[tuple[str, str]]:
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


@pytest.mark.filterwarnings("ignore:Prefer using dashboardv2")  # of Grafana 13, which 12 does not provision
def test_the_committed_dashboard_is_what_the_script_makes() -> None:
    script = runpy.run_path(str(GRAFANA / "make_dashboard.py"))
    assert script["made"]() == COMMITTED.read_text(encoding="utf-8"), "run deploy/grafana/make_dashboard.py"


def test_it_has_the_documents_four_views() -> None:
    rows = [panel["title"] for panel in dashboard()["panels"] if panel["type"] == "row"]
    assert [row.partition(" · ")[0] for row in rows] == ["Now", *VIEWS]


def test_grafanas_own_schema_takes_it() -> None:
    assert problems(dashboard()) == []


@pytest.mark.parametrize(
    "broken",
    [
        lambda panel: panel["options"].update(grafMode="none"),
        lambda panel: panel["options"].update(graphMode="sideways"),
        lambda panel: panel.update(type="histogramm"),
        lambda panel: panel["fieldConfig"]["defaults"].update(thresholds={"mode": "absolute"}),
        lambda panel: panel["gridPos"].pop("w"),
        lambda panel: panel["targets"][0].pop("refId"),
    ],
)
def test_the_schema_refuses_what_is_no_dashboard(broken: Any) -> None:
    content = deepcopy(dashboard())
    broken(next(panel for panel in content["panels"] if panel["type"] == "stat"))
    assert problems(content)


def test_no_panel_stands_on_another_and_each_has_an_id_of_its_own() -> None:
    panels = dashboard()["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_it_names_only_what_the_server_exports() -> None:
    for title, expression in expressions():
        named = metrics_in(expression)
        assert named, title
        assert named <= exported_names(), title
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            assert metrics_in(variable["query"]["query"]) <= exported_names()


def test_prometheus_can_read_every_expression(tmp_path: Path) -> None:
    with running_prometheus("global: {}\n", tmp_path / "prometheus") as prometheus:
        for _, expression in expressions():
            prometheus.query(filled_in(expression))


def filled_in(expression: str) -> str:
    """As Grafana fills in its variables."""
    values = {"$__range": "1h", "$__rate_interval": "1m", "$model": ".*", "$concept": ".*"}
    for name, value in values.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def test_the_provisioning_says_where_the_dashboard_and_prometheus_are() -> None:
    provisioning = GRAFANA / "provisioning"
    [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == (
        "prometheus",
        "http://prometheus:9090",
        True,
    )
    [provider] = yaml.safe_load((provisioning / "dashboards" / "examsgraph.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    assert provider["type"] == "file"
