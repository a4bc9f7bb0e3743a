"""Gives tests a real PostgreSQL, in a temporary directory and on a free port of 127.0.0.1."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.server_process import free_port, running_process, temporary_folder

__all__ = ["another_database", "mlflow_on_postgresql", "postgresql_uri", "running_postgresql"]

_START_SECONDS = 60
_USER = "postgres"  # PostgreSQL refuses to run as root


@pytest.fixture(scope="session")
def postgresql_uri() -> Iterator[str]:
    """Yield the URI of an empty database; skip, saying why, where there is no PostgreSQL."""
    with running_postgresql() as uri:
        yield uri


@pytest.fixture(scope="session")
def mlflow_on_postgresql(postgresql_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the tracking URI of an MLflow server whose data is in PostgreSQL."""
    from tests.servers.mlflow_server import running_mlflow

    folder = tmp_path_factory.mktemp("mlflow-postgresql")
    # of its own: the runs of a server keep their artifacts where only the server finds them
    own = another_database(postgresql_uri, "served")
    options = ["--backend-store-uri", own, "--artifacts-destination", str(folder / "artifacts")]
    with running_mlflow(["server", *options, "--workers", "1"], folder) as uri:
        yield uri


def another_database(uri: str, name: str) -> str:
    """The URI of a new database of that name, on the same PostgreSQL."""
    command = [str(_bin_folder() / "createdb"), "--maintenance-db", uri, name]
    subprocess.run(command, check=True, capture_output=True)
    return uri.removesuffix(_USER) + name


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Run PostgreSQL until the block ends; yields the URI of its database `postgres`."""
    pytest.importorskip("psycopg", reason="expected a driver, found none: pip install -e '.[postgres]'")
    bin_folder = _bin_folder()
    port = free_port()
    with temporary_folder() as name:
        folder = Path(name)
        as_user = _as_another_user(folder)
        data = folder / "data"
        subprocess.run(
            [*as_user, bin_folder / "initdb", "-D", data, "-A", "trust", "-U", _USER, "-E", "UTF8", "-N"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        command = [*as_user, str(bin_folder / "postgres"), "-D", str(data), "-p", str(port)]
        # what is lost in a power cut is a test's
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", "-F"]
        with running_process([*command, *settings], folder) as (has_ended, log):
            deadline = time.monotonic() + _START_SECONDS
            while subprocess.run(
                [bin_folder / "pg_isready", "-h", "127.0.0.1", "-p", str(port)],
                check=False,
                capture_output=True,
            ).returncode:
                if has_ended() or time.monotonic() > deadline:
                    pytest.fail(f"expected PostgreSQL to start; its log ends with:\n{log()[-3000:]}")
                time.sleep(0.1)
            yield f"postgresql://{_USER}@127.0.0.1:{port}/{_USER}"


def _bin_folder() -> Path:
    """Where PostgreSQL's programs are: on PATH, or in Debian's place."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not places:
        pytest.skip("expected PostgreSQL's initdb, found none: apt-get install postgresql")
    return places[-1].parent


def _as_another_user(folder: Path) -> list[str]:
    """What runs a command as a user that PostgreSQL accepts, who is then given the folder."""
    if os.getuid() != 0:
        return []
    try:
        user = pwd.getpwnam(_USER)
    except KeyError:
        pytest.skip(f"expected a user {_USER} to run PostgreSQL as, found none: apt-get install postgresql")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
