"""Servers that tests share, and one of each test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.served import Served, serving


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server without tokens, which takes as many requests as it can."""
    with serving(tmp_path, api_requests_per_second="1e9") as server:
        yield server
