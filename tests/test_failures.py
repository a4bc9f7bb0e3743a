"""Our own failures are counted always and logged once a minute at most."""

import logging

import pytest

from examsgraph_callbacks.failures import FailureLog


def test_a_place_that_keeps_failing_is_logged_once_a_minute_with_the_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    log = FailureLog(monotonic_seconds=lambda: now)
    with caplog.at_level(logging.WARNING):
        for second in range(120):
            now = float(second)
            log.report("writing the journal", OSError("disk full"))
    assert log.counts() == {"writing the journal": 120}
    assert [record.getMessage() for record in caplog.records] == [
        f"writing the journal failed, the application goes on ({counts}): OSError: disk full"
        for counts in ("1 since the last message, 1 in all", "60 since the last message, 61 in all")
    ]


def test_places_are_logged_apart(caplog: pytest.LogCaptureFixture) -> None:
    log = FailureLog(monotonic_seconds=lambda: 0.0)
    log.report("one", "this")
    log.report("another", "that")
    assert len(caplog.records) == 2
