"""Each service of the compose file, run with its own arguments on this machine, and asked how it is."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from examsgraph_callbacks.journal import Journal
from tests.deploy.compose import ROOT, is_healthy, read_services, running_service
from tests.servers import neo4j_ways
from tests.servers.postgresql_server import another_database, running_postgresql
from tests.servers.server_process import NotAvailableError, free_port
from tests.tracker.document import FEEDBACK

_PATIENCE_SECONDS = 180


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(read_services())


def until(ask: Callable[[], bool], has_ended: Callable[[], bool], log: Callable[[], str]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and not has_ended():
        try:
            if ask():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.3)
    pytest.fail(f"expected the service to become well; its log ends with:\n{log()[-3000:]}", pytrace=False)


def test_a_report_goes_from_the_api_by_the_shipper_to_mlflow_and_to_prometheus(
    services: dict[str, Any], tmp_path: Path
) -> None:
    api, mlflow, prometheus = free_port(), free_port(), free_port()
    places = {
        "0.0.0.0": "127.0.0.1",
        "http://mlflow:5000": f"http://127.0.0.1:{mlflow}",
        "127.0.0.1:5000": f"127.0.0.1:{mlflow}",
        "127.0.0.1:8000": f"127.0.0.1:{api}",
        "127.0.0.1:9090": f"127.0.0.1:{prometheus}",
        "/journal": str(tmp_path / "journal"),
        "/tmp/metrics_token": str(tmp_path / "metrics_token"),
        "/etc/prometheus": str(tmp_path / "etc"),
        "=/prometheus": f"={tmp_path / 'data'}",
    }
    tokens = services["api"]["environment"]["EXAMSGRAPH_API_TOKENS"].split(",")
    write, read = ({"Authorization": f"Bearer {token.partition(':')[2]}"} for token in tokens)
    with running_postgresql() as postgresql:
        database = another_database(postgresql, "mlflow")
        of_mlflow = {**places, "postgresql://mlflow:change-me@postgres:5432/mlflow": database}
        command = port_of(services["mlflow"]["command"], "5000", mlflow)
        command[command.index("/mlflow")] = str(tmp_path / "artifacts")
        server = {**services["mlflow"], "command": command}
        with running_service(server, of_mlflow, tmp_path / "mlflow") as (has_ended, log):
            until(lambda: is_healthy(services["mlflow"], of_mlflow), has_ended, log)
            named = f"http://127.0.0.1:{mlflow}/api/2.0/mlflow/experiments/search?max_results=10"
            assert httpx.get(named, headers={"Host": "mlflow:5000"}).status_code == 200
            assert httpx.get(named, headers={"Host": "evil.example"}).status_code == 403
            served = {**services["api"], "command": port_of(services["api"]["command"], "8000", api)}
            with (
                running_service(served, places, tmp_path / "api") as (api_ended, api_log),
                running_service(services["shipper"], places, tmp_path / "shipper") as (ship_ended, ship_log),
            ):
                until(lambda: is_healthy(services["api"], places), api_ended, api_log)
                until(lambda: is_healthy(services["shipper"], places), ship_ended, ship_log)
                url = f"http://127.0.0.1:{api}/v1/mlflow/log-user-feedback"
                assert httpx.post(url, json=FEEDBACK).status_code == 401
                assert httpx.post(url, json=FEEDBACK, headers=write).status_code == 200
                assert len([*Journal(tmp_path / "journal").read()]) == 1
                until(lambda: "User_Feedback" in httpx.get(named).text, ship_ended, ship_log)
                scrape(services["prometheus"], places, api, prometheus, tmp_path)
                metrics = httpx.get(f"http://127.0.0.1:{api}/metrics", headers=read).text
                assert 'examsgraph_feedback_total{feedback_type="thumbs_down"}' in metrics


def scrape(service: Any, places: dict[str, str], api: int, port: int, folder: Path) -> None:
    """Run Prometheus with the service's own entrypoint, until it has scraped the API with its token."""
    if shutil.which("prometheus") is None:
        pytest.skip("needs prometheus: apt-get install prometheus")
    etc = folder / "etc"
    etc.mkdir()
    for name in ("prometheus.yml", "rules.yml"):
        text = (ROOT / "deploy" / "prometheus" / name).read_text(encoding="utf-8")
        text = text.replace("/tmp/metrics_token", str(folder / "metrics_token"))
        text = text.replace("api:8000", f"127.0.0.1:{api}").replace("interval: 15s", "interval: 1s")
        (etc / name).write_text(text, encoding="utf-8")
    address = f"--web.listen-address=127.0.0.1:{port}"
    with running_service(service, places, folder / "prometheus", address) as (has_ended, log):

        def is_scraped() -> bool:
            query = {"query": 'up{job="examsgraph"} == 1'}
            answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/query", params=query)
            return answer.status_code == 200 and bool(answer.json()["data"]["result"])

        until(is_scraped, has_ended, log)
        if shutil.which("wget"):
            assert is_healthy(service, places)


def port_of(command: list[str], there: str, port: int) -> list[str]:
    """The command with its port replaced."""
    assert there in command
    return [str(port) if each == there else each for each in command]


def test_neo4js_own_tool_takes_its_settings(services: dict[str, Any], tmp_path: Path) -> None:
    try:
        jars = neo4j_ways._jars(neo4j_ways.POM)
        java, _ = neo4j_ways._java(neo4j_ways.LONG_TERM.javas)
    except NotAvailableError as error:
        pytest.skip(str(error))
    release = services["neo4j"]["image"].partition(":")[2]
    assert (jars / f"neo4j-{release}.jar").exists(), "the image is another release than the tests run"

    def verdict(*more: str) -> "subprocess.CompletedProcess[str]":
        settings = [
            f"{name.removeprefix('NEO4J_').replace('__', '%').replace('_', '.').replace('%', '_')}={value}"
            for name, value in services["neo4j"]["environment"].items()
            if name.startswith("NEO4J_") and name != "NEO4J_AUTH"
        ]
        (tmp_path / "conf").mkdir(exist_ok=True)
        (tmp_path / "conf" / "neo4j.conf").write_text("\n".join([*settings, *more]) + "\n")
        command = [java, "-cp", f"{jars}/*", "org.neo4j.server.startup.Neo4jAdminCommand"]
        return subprocess.run(
            [*command, "server", "validate-config"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "NEO4J_HOME": str(tmp_path), "NEO4J_CONF": str(tmp_path / "conf")},
        )

    assert "validation successful" in verdict().stdout
    assert verdict("server.memory.heap.maxi_size=1g").returncode != 0
