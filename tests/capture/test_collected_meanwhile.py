"""The open runs are listed while the collector ends some of them: an abandoned stream ends its own call."""

import gc
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from examsgraph_callbacks.capture.open_runs import OpenRuns
from tests.capture.test_open_runs import run


@pytest.fixture
def collecting_by_hand() -> Iterator[None]:
    before = gc.get_threshold()
    gc.disable()
    yield
    gc.set_threshold(*before)
    gc.enable()


class Abandoned:
    """Ends its run when it is collected, as a stream does that nobody reads any more."""

    def __init__(self, runs: OpenRuns, run_id: UUID) -> None:
        self._itself: Any = self
        self._runs, self._run_id = runs, run_id

    def __del__(self) -> None:
        self._runs.pop(self._run_id)


def test_all_that_stay_are_listed_whenever_the_collector_comes(collecting_by_hand: None) -> None:
    runs = OpenRuns()
    staying = {uuid4() for _ in range(20_000)}
    for run_id in staying:
        runs.add(run_id, run(run_id.int))
    for number in range(40):
        for _ in range(10):
            run_id = uuid4()
            runs.add(run_id, run(run_id.int))
            Abandoned(runs, run_id)
        gc.set_threshold(500 + 29 * number)
        gc.enable()
        listed = runs.snapshot()
        gc.disable()
        assert staying <= {run_id for run_id, _ in listed}
