"""An exploration reaches who listens, also while others begin and cease to listen."""

import sys
import threading
from types import FrameType
from typing import Any
from uuid import UUID

import pytest

from examsgraph_callbacks.capture import ExplorationRecord, publish_exploration
from examsgraph_callbacks.capture import exploration as exploration_module
from examsgraph_callbacks.capture.exploration import listen_for_explorations
from examsgraph_callbacks.events import RetrievalParams
from examsgraph_callbacks.failures import FailureLog

RECORD = ExplorationRecord(
    query="정규화란?",
    retrieval_params=RetrievalParams(),
    seeds=(),
    hops=(),
    similarity_scale="(1+cos)/2",
    backend="memory",
    round_trips=0,
    started_wall_ns=0,
    latency_ms=0.0,
)
RUN = UUID(int=1)


class Listener:
    """Remembers what it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.told: list[UUID] = []
        self._error = error

    def record_exploration(self, run_id: UUID, exploration: ExplorationRecord) -> None:
        self.told.append(run_id)
        if self._error is not None:
            raise self._error


def test_others_may_begin_and_cease_to_listen_at_any_moment() -> None:
    listeners = [Listener() for _ in range(3)]
    for listener in listeners:
        listen_for_explorations(listener)
    others: list[Listener] = []

    def at_every_line(_frame: FrameType, _event: str, _argument: Any) -> Any:
        # as other threads may: handlers are made, and others forgotten
        sys.settrace(None)
        del others[:1]
        others.extend(Listener() for _ in range(5))
        for other in others[-5:]:
            listen_for_explorations(other)
        sys.settrace(at_every_line)
        return at_every_line

    before = sys.gettrace()
    sys.settrace(at_every_line)
    try:
        publish_exploration(RUN, RECORD)
    finally:
        sys.settrace(before)
    assert len(others) > 5
    assert [listener.told for listener in listeners] == [[RUN]] * 3


def test_one_that_fails_is_counted_and_the_others_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    log = FailureLog()
    monkeypatch.setattr(exploration_module, "failures", log)
    listeners = [Listener(), Listener(ValueError("broken")), Listener()]
    for listener in listeners:
        listen_for_explorations(listener)
    publish_exploration(RUN, RECORD)
    assert [listener.told for listener in listeners] == [[RUN]] * 3
    assert log.counts() == {"recording an exploration": 1}


def test_one_that_is_gone_is_not_kept() -> None:
    listener = Listener()
    told = listener.told
    listen_for_explorations(listener)
    del listener
    publish_exploration(RUN, RECORD)
    assert told == []


def test_handlers_come_and_go_in_other_threads() -> None:
    listener = Listener()
    listen_for_explorations(listener)
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            passing = [Listener() for _ in range(20)]
            for other in passing:
                listen_for_explorations(other)

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for _ in range(500):
            publish_exploration(RUN, RECORD)
    finally:
        done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(switching)
    assert len(listener.told) == 500
