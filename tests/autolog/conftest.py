"""A journal under autolog, which is off again after the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from examsgraph_callbacks import Journal, autolog
from examsgraph_callbacks.failures import failures

__all__ = ["journal"]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    before = failures.counts()
    autolog(tmp_path / "journal")
    yield Journal(tmp_path / "journal")
    autolog(disable=True)
    assert failures.counts() == before, "what fails in silence would pass many a test"
