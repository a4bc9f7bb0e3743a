"""Fixtures and report lines that all tests share."""

import pytest

from tests.servers.neo4j_server import describe, neo4j_server

__all__ = ["neo4j_server", "pytest_terminal_summary"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which graph database this run talked to."""
    terminalreporter.write_line(describe())
