"""Where deliveries go in these tests: a real MLflow server over HTTP, and a sqlite file."""

import os
import shutil
from pathlib import Path

import pytest

from examsgraph_callbacks.journal import Journal
from tests.deliver.taught import taught
from tests.servers.mlflow_server import mlflow_server
from tests.servers.mlflow_tables import empty_database
from tests.servers.postgresql_server import mlflow_on_postgresql, postgresql_uri

__all__ = [
    "DOORS",
    "door",
    "empty_database",
    "journal",
    "mlflow_on_postgresql",
    "mlflow_server",
    "no_tracking_uri",
    "postgresql_uri",
    "sqlite_uri",
    "taught",
    "tracking_uri",
]

DOORS = {"server": "mlflow_server", "sqlite": "sqlite_uri"}
"""What is delivered to, and the fixture that gives it."""


# of MLflow's own making, and on every first use of a database
MLFLOW_WARNING = "ignore:The ``noload`` loader strategy is deprecated"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings(MLFLOW_WARNING))


@pytest.fixture(autouse=True)
def no_tracking_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def sqlite_uri(empty_database: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(empty_database, tmp_path / 'mlflow.db')}"


@pytest.fixture(params=DOORS)
def tracking_uri(request: pytest.FixtureRequest) -> str:
    """Both doors; the server is shared, so turns are told apart by their names."""
    return door(request, DOORS[request.param])


def door(request: pytest.FixtureRequest, fixture: str) -> str:
    """The tracking URI that a fixture gives."""
    uri: str = request.getfixturevalue(fixture)
    return uri
