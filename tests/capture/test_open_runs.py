"""Open runs are few, small and bounded."""

import threading
from typing import cast
from uuid import UUID

import pytest

from examsgraph_callbacks.capture.open_runs import FactWriter, OpenRun, OpenRuns
from examsgraph_callbacks.events import Trace


def run(number: int) -> OpenRun:
    return OpenRun(
        run_id=f"{number:032x}",
        trace_id="a" * 32,
        fact=Trace,
        recorder=cast("FactWriter", None),  # no run here becomes a fact
        parent_run_id=None,
        name=None,
        tags=[],
        context={},
        ambient={},
        metadata_context={},
        started_wall_ns=0,
        started_ns=0,
        content={},
    )


def test_beyond_the_limit_the_oldest_is_forgotten_and_told(caplog: pytest.LogCaptureFixture) -> None:
    runs = OpenRuns(limit=3)
    for number in range(5):
        runs.add(UUID(int=number), run(number))
    assert len(runs) == 3
    assert [runs.get(UUID(int=number)) is not None for number in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    assert "more than 3 open" in caplog.text


def test_threads_that_all_go_beyond_the_limit_do_not_stumble_over_each_other() -> None:
    runs = OpenRuns(limit=10)
    errors: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for number in range(2000):
                runs.add(UUID(int=thread * 10_000 + number), run(number))
        except BaseException as error:  # noqa: BLE001 - any at all fails the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(runs) <= 10 + len(threads)
