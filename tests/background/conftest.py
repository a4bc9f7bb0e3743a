"""A working directory with an MLflow database, and no helper left behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.background.place import Place
from tests.servers.mlflow_tables import empty_database

__all__ = ["empty_database"]


@pytest.fixture
def place(tmp_path: Path, empty_database: Path) -> Iterator[Place]:
    place = Place(tmp_path / "place", empty_database)
    yield place
    for pid in place.helpers():
        os.kill(pid, signal.SIGKILL)
