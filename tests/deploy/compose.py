"""The compose file as `docker-compose config` reads it, and its commands as they run on this machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.server_process import running_process

__all__ = ["ROOT", "config", "environment_of", "here", "is_healthy", "read_services", "running_service"]

ROOT = Path(__file__).resolve().parents[2]
Service = Mapping[str, Any]


def config(env_file: Path = ROOT / ".env.example") -> "subprocess.CompletedProcess[str]":
    """What `docker-compose config` says; it needs no engine."""
    tool = shutil.which("docker-compose")
    if tool is None:
        pytest.skip("needs docker-compose: apt-get install --no-install-recommends docker-compose")
    command = [tool, "--project-directory", str(ROOT), "-f", str(ROOT / "docker-compose.yml")]
    # as Debian's packages have it: the tests' own environment is another Python's
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [*command, "--env-file", str(env_file), "config"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=env_file.parent,
    )


def read_services() -> dict[str, Service]:
    """The services with every variable filled in."""
    done = config()
    assert done.returncode == 0, done.stderr
    services: dict[str, dict[str, Any]] = yaml.safe_load(done.stdout)["services"]
    for service in services.values():
        service["ports"] = [_port(port) for port in service.get("ports", ())]
        service["volumes"] = [_volume(volume) for volume in service.get("volumes", ())]
    return dict(services)


def _port(port: str | Mapping[str, Any]) -> str:
    """As the first version of the tool tells it; the second takes it apart."""
    if isinstance(port, str):
        return port.removesuffix("/tcp")
    return f"{port['host_ip']}:{port['published']}:{port['target']}"


def _volume(volume: str | Mapping[str, Any]) -> str:
    if isinstance(volume, str):
        return volume
    mode = "ro" if volume.get("read_only") else "rw"
    return f"{volume['source']}:{volume['target']}:{mode}"


def here(arguments: list[str], places: Mapping[str, str]) -> list[str]:
    """A service's arguments as they are on this machine: hosts, ports and folders replaced, nothing else."""
    found = []
    for argument in arguments:
        for there, instead in places.items():
            argument = argument.replace(there, instead)  # noqa: PLW2901 - each in turn
        found.append(argument.replace("$$", "$"))
    programs = {
        "mlflow": [sys.executable, "-m", "mlflow"],
        "examsgraph": [sys.executable, "-m", "examsgraph_callbacks"],
        "python": [sys.executable],
    }
    return [*programs.get(found[0], [found[0]]), *found[1:]]


def environment_of(service: Service, places: Mapping[str, str]) -> dict[str, str]:
    """A service's variables, with what a process needs on this machine."""
    told = {name: str(value) for name, value in service.get("environment", {}).items() if value is not None}
    for there, instead in places.items():
        told = {name: value.replace(there, instead) for name, value in told.items()}
    return {**os.environ, **told}


@contextmanager
def running_service(
    service: Service, places: Mapping[str, str], folder: Path, *more: str
) -> Iterator[tuple[Any, Any]]:
    """Run a service's own command, with `more` arguments behind it, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    command = here([*service.get("entrypoint", ()), *service["command"], *more], places)
    named = environment_of(service, places)
    # as `env` gives it on: the process is started by a shell
    with running_process(
        ["env", *(f"{name}={value}" for name, value in named.items()), *command], folder
    ) as run:
        yield run


def is_healthy(service: Service, places: Mapping[str, str]) -> bool:
    """Whether the service's own health check, run on this machine, is content."""
    kind, *test = service["healthcheck"]["test"]
    command = here(test, places) if kind == "CMD" else ["sh", "-c", here(["", *test], places)[1]]
    if kind == "CMD-SHELL":
        command[2] = command[2].replace("examsgraph ", f"{sys.executable} -m examsgraph_callbacks ")
    done = subprocess.run(command, capture_output=True, check=False, env=environment_of(service, places))
    return done.returncode == 0
