"""The compose file: what Docker's own tool reads in it, and each service's command as it really runs."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.deploy.compose import ROOT, config, read_services
from tests.servers.prometheus_server import promtool

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(read_services())


def test_all_that_watches_a_tutor_is_there(services: dict[str, Any]) -> None:
    assert services.keys() == {
        "postgres",
        "mlflow",
        "neo4j",
        "api",
        "shipper",
        "prometheus",
        "grafana",
    }


def test_without_its_secrets_it_says_which_one_is_missing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("")
    done = config(tmp_path / ".env")
    assert done.returncode != 0
    assert "set it in .env, see .env.example" in done.stderr
    assert "TOKEN" in done.stderr or "PASSWORD" in done.stderr


def test_every_image_is_pinned_healthy_guarded_and_runs_as_no_root(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", service["image"]), name
        assert service["healthcheck"]["test"], name
        assert service["user"] not in {"", "0", "root"}, name
        assert not service["user"].startswith("0:"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == "unless-stopped", name


def test_no_port_is_open_to_other_machines(services: dict[str, Any]) -> None:
    ports = {port for service in services.values() for port in service.get("ports", ())}
    assert all(str(port).startswith("127.0.0.1:") for port in ports)
    assert len(ports) == 6


def test_mlflow_alone_brings_its_database_and_nothing_else(services: dict[str, Any]) -> None:
    needed, waiting = set(), ["mlflow"]
    while waiting:
        name = waiting.pop()
        needed.add(name)
        for other, how in services[name].get("depends_on", {}).items():
            assert how["condition"] == "service_healthy"
            waiting.append(other)
    assert needed == {"mlflow", "postgres"}
    assert services["mlflow"]["ports"] == ["127.0.0.1:5000:5000"]


def test_every_secret_comes_from_the_env_file_which_git_leaves_alone(services: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for line in text.splitlines():
        if (
            re.search(r"(PASSWORD|TOKENS?|KEY|WEBHOOK|AUTH|STORE_URI)\w*:", line)
            and line.strip()[-2:] != ">-"
        ):
            assert "${" in line or line.endswith(":  # passed on where it is set"), line
    named = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    assert named <= set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    # as the product's document has it
    assert "MLFLOW_TRACKING_URI=http://mlflow:5000" in example.splitlines()
    assert services["api"]["environment"]["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"


def test_every_volume_that_is_written_to_is_named_and_what_is_mounted_exists(
    services: dict[str, Any],
) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", ()):
            source, mode = volume.partition(":")[0], volume.rpartition(":")[2]
            if source.startswith("/"):
                assert Path(source).exists(), name
                assert mode == "ro", name


def test_the_image_is_built_in_stages_from_a_pinned_base_and_runs_as_no_root() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert {base for base in bases if ":" in base} == {"python:3.12.12-slim-bookworm"}
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    for target in ("mlflow", "app"):
        stage = next(each for each in stages if each.splitlines()[0].endswith(f"AS {target}"))
        assert "USER 10001:10001" in stage
    # what the build copies is let through to it
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert {name for line in copied for name in line.split()} == let_in
    assert all((ROOT / name).exists() for name in let_in)


def test_what_the_image_installs_is_pinned_and_is_what_the_package_asks_for() -> None:
    lines = (ROOT / "deploy" / "constraints.txt").read_text().splitlines()
    pinned = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [extras] = re.findall(r'"\.\[(.+)\]"', DOCKERFILE)
    wanted = [*project["dependencies"]]
    for extra in extras.split(","):
        wanted += project["optional-dependencies"][extra]
    for requirement in map(Requirement, wanted):
        name = requirement.name.lower()
        version = pinned.get(name) or pinned[name.replace("-", "_")]
        assert requirement.specifier.contains(version), f"{requirement} is pinned at {version}"


def test_promtool_takes_prometheus_configuration_with_its_files_at_their_places(tmp_path: Path) -> None:
    for name in ("prometheus.yml", "rules.yml"):
        text = (ROOT / "deploy" / "prometheus" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/tmp/metrics_token", str(tmp_path / "token")))
    (tmp_path / "token").write_text("t")
    assert "SUCCESS" in promtool("check", "config", str(tmp_path / "prometheus.yml"))
