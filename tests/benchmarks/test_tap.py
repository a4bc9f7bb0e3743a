"""What the tap adds to a retriever's search on a real Neo4j, in pairs within one process."""

from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest
from neo4j import Driver
from neo4j_graphrag.retrievers import VectorCypherRetriever

from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph.tap import record_paths
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
ROUNDS = 240


def searches(retriever: VectorCypherRetriever) -> Callable[[int], None]:
    asked = cycle(KNOWN_VECTORS)

    def search(repetitions: int) -> None:
        for _ in range(repetitions):
            retriever.search(query_text=next(asked), top_k=3)

    return search


@pytest.mark.parametrize(
    ("name", "retrieval_query"),
    [
        ("paths of 1 hop", "MATCH path = (node)-[]-(other) RETURN path, score"),
        ("paths of up to 2 hops", "MATCH path = (node)-[*1..2]-(other) RETURN path, score LIMIT 50"),
        ("paths of up to 3 hops", "MATCH path = (node)-[*1..3]-(other) RETURN path, score LIMIT 100"),
        (
            "triplets, and a lookup",
            (
                "MATCH (node)-[r*1..2]-() UNWIND r AS one WITH DISTINCT one, score "
                "RETURN startNode(one).name AS source, type(one) AS relation, endNode(one).name AS target"
            ),
        ),
    ],
)
def test_a_search(name: str, retrieval_query: str, driver: Driver, tmp_path: Path) -> None:
    def retriever() -> VectorCypherRetriever:
        return VectorCypherRetriever(driver, INDEX, retrieval_query, KnownQuestions())

    journal = Journal(tmp_path)
    plain, recorded = searches(retriever()), searches(record_paths(retriever(), journal=journal))
    timings = paired({"plain": plain, "recorded": recorded}, baseline="plain", repetitions=1, rounds=ROUNDS)
    assert failures.counts() == {}, "a tap that fails is fast: these figures would be false"
    hops = [len(fact.hops) for fact in journal.read() if isinstance(fact, Exploration)]
    assert min(hops)
    ours, baseline = timings["recorded"], timings["plain"]
    share = 100 / baseline.microseconds
    print(  # noqa: T201
        f"\n{name:24} plain {baseline.microseconds / 1000:7.2f} ms   recorded added "
        f"{ours.added / 1000:6.3f} ms ({ours.added_low / 1000:.3f} to {ours.added_high / 1000:.3f}), "
        f"{ours.added * share:.1f}%   bar 5%   {sum(hops) / len(hops):.0f} hops   {machine()}",
    )
