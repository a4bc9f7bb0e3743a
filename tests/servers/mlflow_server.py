"""Gives tests a real MLflow server, on a sqlite file and a free port of 127.0.0.1."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.mlflow_tables import with_tables
from tests.servers.server_process import free_port

__all__ = ["mlflow_server", "running_mlflow", "wait_until_healthy"]

_START_SECONDS = 120  # it may make its tables first, and imports a great deal
_STOP_SECONDS = 10


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the tracking URI of a server, started when the first test asks and stopped after the last."""
    folder = tmp_path_factory.mktemp("mlflow")
    command = [
        "server",
        "--backend-store-uri",
        f"sqlite:///{shutil.copy(with_tables(tmp_path_factory), folder / 'mlflow.db')}",
        "--artifacts-destination",
        str(folder / "artifacts"),
        "--workers",
        "1",
    ]
    with running_mlflow(command, folder) as uri:
        yield uri


@contextmanager
def running_mlflow(arguments: list[str], folder: Path, port: int | None = None) -> Iterator[str]:
    """Run `mlflow` with these arguments in `folder` until the block ends; yields its URI once it answers."""
    port = port or free_port()
    uri = f"http://127.0.0.1:{port}"
    log = folder / f"mlflow-{port}.log"
    environment = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    command = [
        sys.executable,
        "-m",
        "mlflow",
        *arguments,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with log.open("wb") as output:
        # a session of its own: the server's workers are stopped with it
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until_healthy(uri, server, log)
            yield uri
        finally:
            _stop(server)


def wait_until_healthy(uri: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once `/health` answers; fail, showing the log's end, where the server ends or is silent."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(
        f"expected an MLflow server at {uri}, got exit code {server.poll()}; its log ends with:\n"
        + log.read_text(encoding="utf-8", errors="replace")[-3000:],
        pytrace=False,
    )


def _stop(server: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, how)
        except ProcessLookupError:
            break
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    server.wait()
