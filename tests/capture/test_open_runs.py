"""Open runs are few, small and bounded."""

import threading
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest

from examsgraph_callbacks.capture import Clock, Recorder
from examsgraph_callbacks.capture.open_runs import FactWriter, OpenRun, OpenRuns
from examsgraph_callbacks.events import Trace
from examsgraph_callbacks.journal import Journal


def run(number: int) -> OpenRun:
    return OpenRun(
        number=number,
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


def add(runs: OpenRuns, number: int) -> None:
    """As a recorder does: the one too many is ended."""
    one_too_many = runs.add(UUID(int=number), run(number))
    if one_too_many is not None:
        runs.pop(one_too_many)


def test_beyond_the_limit_the_oldest_is_to_be_ended_and_told(caplog: pytest.LogCaptureFixture) -> None:
    runs = OpenRuns(limit=3)
    for number in range(5):
        add(runs, number)
    assert len(runs) == 3
    assert [runs.get(UUID(int=number)) is not None for number in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    assert "more than 3 open" in caplog.text


def test_of_too_many_open_runs_the_oldest_is_recorded_as_unfinished(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path)
    recorder = Recorder(journal, {}, Clock())
    recorder._open._limit = 3
    for number in range(1, 6):
        recorder.begin(
            Trace, UUID(int=number), None, name=None, metadata=None, tags=[], content={"inputs": number}
        )
    assert len(recorder) == 3
    facts = list(journal.read())
    assert [(fact.inputs, fact.status, fact.error_type) for fact in facts if isinstance(fact, Trace)] == [
        (1, "error", "UnfinishedRunError"),
        (2, "error", "UnfinishedRunError"),
    ]


def test_threads_that_all_go_beyond_the_limit_do_not_stumble_over_each_other() -> None:
    runs = OpenRuns(limit=10)
    errors: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for number in range(2000):
                add(runs, thread * 10_000 + number)
        except BaseException as error:  # noqa: BLE001 - any at all fails the test
            errors.append(error)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(runs) <= 10 + len(threads)
