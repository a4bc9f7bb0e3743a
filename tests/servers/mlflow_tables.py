"""Gives tests an MLflow database that holds nothing: its tables take seconds to make, so they are copied."""

import fcntl
import os
import warnings
from pathlib import Path

import pytest

from examsgraph_callbacks.deliver.destination import open_destination

__all__ = ["empty_database", "with_tables"]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables, to be copied."""
    return with_tables(tmp_path_factory)


def with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that the first worker who asks makes for all of a run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # each worker's own is in that of the run
    path, made = folder / "empty.db", folder / "empty.made"
    with (folder / "empty.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            with warnings.catch_warnings():
                # of MLflow's own making, whatever test asks
                warnings.filterwarnings("ignore", "The ``noload`` loader strategy is deprecated")
                with open_destination(f"sqlite:///{path}"):
                    made.touch()
    return path
