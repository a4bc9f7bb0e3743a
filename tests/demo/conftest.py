"""What a demonstration finds around it: nothing, unless a test says otherwise."""

import os
from pathlib import Path

import pytest

from examsgraph_callbacks.journal import Journal

__all__ = ["bare_environment", "journal"]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("OPENAI_", "NEO4J_", "MLFLOW_", "EXAMSGRAPH_JOURNAL", "EXAMSGRAPH_KRW")):
            monkeypatch.delenv(name)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")
