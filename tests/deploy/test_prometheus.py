"""The rules for Prometheus: as its own tool sees them, and as a real server evaluates them over ours."""

import re
from pathlib import Path

import httpx
import yaml

from examsgraph_callbacks.alerts.rules import ConceptConfusion, DailyCost, ShipperLag
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import feedback, full_turn, llm_call, small_turn
from tests.deploy.exported import exported_names, metrics_in
from tests.server.served import serving
from tests.servers.prometheus_server import promtool, running_prometheus
from tests.tracker.document import FEEDBACK

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES = DEPLOY / "rules.yml"


def test_promtool_finds_no_fault_with_rules_configuration_and_names(tmp_path: Path) -> None:
    assert "SUCCESS" in promtool("check", "rules", str(RULES))
    assert "SUCCESS" in promtool("check", "config", "--syntax-only", str(DEPLOY / "prometheus.yml"))
    journal = Journal(tmp_path / "journal")
    for fact in (*full_turn(), feedback()):
        journal.write(fact)
    with serving(tmp_path) as served:
        text = httpx.get(f"{served.url}/metrics").text
    assert promtool("check", "metrics", given=text) == ""
    assert "user_001" not in text
    assert "session_123" not in text


def test_the_rules_fire_when_they_should_and_not_before() -> None:
    assert "SUCCESS" in promtool("test", "rules", str(DEPLOY / "rules_test.yml"))


def test_the_rules_name_only_what_the_server_exports() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    named = {name for rule in rules for name in metrics_in(rule["expr"])}
    assert named - recorded - {"up"} <= exported_names()


def test_thresholds_are_those_of_the_rules_by_default() -> None:
    text = RULES.read_text(encoding="utf-8")
    confusion, cost, lag = ConceptConfusion(), DailyCost(), ShipperLag(kind="shipper_lag")
    assert confusion.understanding == 2
    assert f'{{concept!~"other|unknown"}} >= {confusion.count}' in text
    assert f"[{confusion.window.total_seconds() / 3600:.0f}h]" in text
    assert f"sum(examsgraph_cost_today_usd) > {cost.usd}\n" in text
    assert f"(examsgraph_shipping_lag_seconds) > {lag.longest.total_seconds():.0f}\n" in text


def test_a_real_prometheus_scrapes_the_live_server_and_the_rules_fire(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for fact in small_turn("before"):
        journal.write(fact)
    settings = {"api_tokens": "write:w1,read:r1", "time_zone": "UTC", "metrics_zero_seconds": "5"}
    with serving(tmp_path, **settings) as served:
        target = served.url.removeprefix("http://")
        (tmp_path / "token").write_text("r1")
        configuration = (DEPLOY / "prometheus.yml").read_text(encoding="utf-8")
        configuration = re.sub(r"(scrape|evaluation)_interval: \d+s", r"\1_interval: 500ms", configuration)
        configuration = configuration.replace("/tmp/metrics_token", str(tmp_path / "token"))
        configuration = configuration.replace("rules.yml", str(RULES)).replace("api:8000", target)
        with running_prometheus(configuration, tmp_path / "prometheus") as prometheus:
            assert prometheus.until('up{job="examsgraph"} == 1')
            prometheus.until("examsgraph_counters_ready == 1")
            # nobody ships what was written in January
            prometheus.until('ALERTS{alertname="ExamsGraphShipperLag",alertstate="firing"}')
            # one slow answer makes a server that seems down, which is pending and not told
            assert len(prometheus.query('ALERTS{alertstate="firing"}')) == 1
            with httpx.Client(headers={"Authorization": "Bearer w1"}) as client:
                for number in range(10):
                    body = {**FEEDBACK, "concept": "정규화", "session_id": f"session_{number}"}
                    assert client.post(f"{served.api}/log-user-feedback", json=body).status_code == 200
                cost = {
                    "task_type": "complex_reasoning",
                    "model_name": "gpt-4o",
                    "input_tokens": 1500,
                    "output_tokens": 800,
                    "estimated_cost": 51.0,
                    "latency_ms": 3200,
                }
                assert client.post(f"{served.api}/log-llm-cost", json=cost).status_code == 200
            journal.write(llm_call("later", served_model="우리모델-7b", requested_model="우리모델-7b"))
            fired = {
                name: prometheus.until(f'ALERTS{{alertname="{name}",alertstate="firing"}}')
                for name in ("ExamsGraphConceptConfusion", "ExamsGraphDailyCost", "ExamsGraphUnpricedCalls")
            }
            assert fired["ExamsGraphConceptConfusion"][0]["metric"]["concept"] == "정규화"
            assert fired["ExamsGraphUnpricedCalls"][0]["metric"]["model"] == "우리모델-7b"
            assert {rule["health"] for rule in prometheus.rules()} == {"ok"}
            others = "ExamsGraph(Misroutes|Errors|Down|FactsLost)"
            assert prometheus.query(f'ALERTS{{alertname=~"{others}",alertstate="firing"}}') == []
