"""The local server of all tests of this room."""

from collections.abc import Iterator

import pytest

from tests.servers.openai_server import LedgerServer

__all__ = ["server"]


@pytest.fixture
def server() -> Iterator[LedgerServer]:
    """A stand-in for the providers."""
    with LedgerServer() as server:
        yield server
