"""The generators that spans returned are looked through while the collector ends some of them."""

import gc
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from examsgraph_callbacks.llama_index.bodies import Bodies


@pytest.fixture
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    gc.disable()
    yield
    gc.set_threshold(*before)
    gc.enable()


def body() -> Iterator[int]:
    yield 1


def abandon(generator: Any) -> None:
    cycle: list[Any] = [generator]
    cycle.append(cycle)  # only the collector ends it, wherever that comes in


def test_those_of_one_trace_are_found_whenever_the_collector_comes(thresholds: None) -> None:
    gone: list[UUID] = []
    bodies = Bodies(lambda run_id, _trace_id: gone.append(run_id))
    kept: list[Any] = [body() for _ in range(5000)]
    for number, each in enumerate(kept):
        bodies.add(uuid4(), f"trace {number}", each)
    abandoned = 0
    for number in range(40):
        for _ in range(10):
            generator: Any = body()
            bodies.add(uuid4(), "abandoned", generator)
            abandon(generator)
            abandoned += 1
        del generator
        gc.set_threshold(500 + 29 * number)
        gc.enable()
        found = bodies.discard_trace(f"trace {number}")
        gc.disable()
        assert len(found) == 1
    gc.collect()
    assert len(gone) == abandoned
    assert len(bodies) == 5000 - 40
