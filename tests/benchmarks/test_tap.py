"""What the tap adds to a query and to a whole search on a real Neo4j, in pairs within one process."""

import gc
import os
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from pathlib import Path

import pytest
from neo4j import Driver
from neo4j_graphrag.retrievers import VectorCypherRetriever

from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph.tap import record_paths, remembered
from examsgraph_callbacks.graph.tap.driver import listen_to_the_driver
from examsgraph_callbacks.graph.tap.hearing import Hearing, heard_by
from examsgraph_callbacks.graph.tap.remembered import REMEMBERED_SECONDS
from examsgraph_callbacks.journal import Journal
from tests.benchmarks.paired import machine, paired
from tests.tap.conftest import driver, server
from tests.tap.graph import INDEX, KNOWN_VECTORS
from tests.tap.test_graphrag import KnownQuestions

__all__ = ["driver", "server"]

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.filterwarnings("ignore:The default returned 'id' field:DeprecationWarning"),
]

# one search a turn: the server shares the machine, and its moods last longer than a search
ROUNDS = int(os.environ.get("EXAMSGRAPH_BENCHMARK_ROUNDS", "60"))
SEEDS = "CALL db.index.vector.queryNodes($index, 3, $query_vector) YIELD node, score "
PATHS = {
    "paths of 1 hop": "MATCH path = (node)-[]-(other) RETURN path, score",
    "paths of up to 2 hops": "MATCH path = (node)-[*1..2]-(other) RETURN path, score LIMIT 50",
    "paths of up to 3 hops": "MATCH path = (node)-[*1..3]-(other) RETURN path, score LIMIT 100",
}
TRIPLETS = (
    "MATCH (node)-[r*1..2]-() UNWIND r AS one WITH DISTINCT one, score "
    "RETURN startNode(one).name AS source, type(one) AS relation, endNode(one).name AS target"
)
LOOKUPS = {"triplets, and a lookup": 0.0, "triplets, looked up a moment ago": REMEMBERED_SECONDS}
"""How long each remembers what was looked up: the questions come again every dozen searches."""


@pytest.fixture(autouse=True, scope="module")
def libraries_left_alone() -> Iterator[None]:
    """Else each collection between two timings would look through all libraries again."""
    gc.freeze()
    yield
    gc.unfreeze()


def measure(name: str, variants: Mapping[str, Callable[[int], None]]) -> None:
    """Time, and the thread's time on the processor, which a busy machine disturbs less."""
    taken, worked = (
        paired(variants, baseline="plain", repetitions=1, rounds=ROUNDS, clock_ns=clock_ns)
        for clock_ns in (time.perf_counter_ns, time.thread_time_ns)
    )
    assert failures.counts() == {}, "a tap that fails is fast: these figures would be false"
    plain = taken["plain"].microseconds
    added = [
        f"{timing.added / 1000:6.2f} ms ({timing.added_low / 1000:.2f} to {timing.added_high / 1000:.2f}), "
        f"{100 * timing.added / plain:.1f}%"
        for timing in (taken["heard"], worked["heard"])
    ]
    print(  # noqa: T201
        f"\n{name:34} plain {plain / 1000:7.2f} ms   added {added[0]}   on the processor {added[1]}   "
        f"bar 5%   {machine()}",
    )


@pytest.mark.parametrize("name", PATHS)
def test_a_query(name: str, driver: Driver) -> None:
    def queries() -> Callable[[int], None]:
        vectors = cycle(KNOWN_VECTORS.values())

        def query(repetitions: int) -> None:
            for _ in range(repetitions):
                driver.execute_query(SEEDS + PATHS[name], index=INDEX, query_vector=next(vectors))

        return query

    def heard(query: Callable[[int], None]) -> Callable[[int], None]:
        def heard_query(repetitions: int) -> None:
            hearing = Hearing()
            with heard_by(hearing):
                query(repetitions)
            assert hearing.collected.steps

        return heard_query

    stop = listen_to_the_driver()
    measure(f"query, {name}", {"plain": queries(), "heard": heard(queries())})
    stop()


@pytest.mark.parametrize("name", [*PATHS, *LOOKUPS])
def test_a_search_with_all_that_is_written(
    name: str, driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "REMEMBERED_SECONDS", LOOKUPS.get(name, REMEMBERED_SECONDS))

    def searches(retriever: VectorCypherRetriever) -> Callable[[int], None]:
        questions = cycle(KNOWN_VECTORS)

        def search(repetitions: int) -> None:
            for _ in range(repetitions):
                retriever.search(query_text=next(questions), top_k=3)

        return search

    retrieval_query = PATHS.get(name, TRIPLETS)
    journal = Journal(tmp_path)
    plain, recorded = (
        VectorCypherRetriever(driver, INDEX, retrieval_query, KnownQuestions()) for _ in range(2)
    )
    record_paths(recorded, journal=journal)
    measure(f"search, {name}", {"plain": searches(plain), "heard": searches(recorded)})
    assert all(fact.hops for fact in journal.read() if isinstance(fact, Exploration))
