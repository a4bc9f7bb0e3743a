"""How long one exploration of a large graph in Neo4j takes, beside the Cypher that it runs and a peer.

A real Neo4j from Maven's jars, over Bolt on this machine; a generated graph of clustered vectors, whose
relations lead mostly to similar concepts and whose most related concept has some thousand relations.
`EXAMSGRAPH_BENCHMARK_CONCEPTS`, `_RELATIONS`, `_DIMENSIONS` and `_ROUNDS` make it smaller: to generate, load
and index the graph takes most of the time. Variants take turns, with the same queries, in one process.
"""

import gc
import itertools
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings
from neo4j import Driver, GraphDatabase, Query, RoutingControl
from neo4j_graphrag.retrievers import VectorCypherRetriever

from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph import Neo4jGraph, explore
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler, GraphPathRetriever
from tests.benchmarks.paired import Timing, machine, paired
from tests.servers.neo4j_server import Neo4jServer
from tests.servers.neo4j_ways import LONG_TERM, maven_neo4j
from tests.servers.server_process import NotAvailableError, java_flags_for_speed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

CONCEPTS = int(os.environ.get("EXAMSGRAPH_BENCHMARK_CONCEPTS", "100000"))
RELATIONS = int(os.environ.get("EXAMSGRAPH_BENCHMARK_RELATIONS", "1000000"))
DIMENSIONS = int(os.environ.get("EXAMSGRAPH_BENCHMARK_DIMENSIONS", "384"))
QUERIES = 20
ROUNDS = int(
    os.environ.get("EXAMSGRAPH_BENCHMARK_ROUNDS", "200")
)  # of one query each: the shorter a turn, the less can drift within it
ABOUT_HUBS = 5  # every fifth query is about one of the concepts with most relations
TYPES = ("포함", "선수", "관련", "해결", "예시")
INDEX, LABEL = "large", "Large"

THREE_HOPS = """
    MATCH (node)-[*1..3]-(other:Large)
    WITH DISTINCT other LIMIT 6
    RETURN other.name AS name, other.summary AS summary
"""
"""The first six concepts within three hops, near to the question or not: an exploration returns six."""

BEST_OF_THREE_HOPS = """
    MATCH (node)-[*1..3]-(other:Large)
    WITH DISTINCT other
    WITH other, vector.similarity.cosine(other.embedding, $query_vector) AS similarity
    ORDER BY similarity DESC LIMIT 6
    RETURN other.name AS name, other.summary AS summary, similarity
"""
"""The six concepts within three hops that are nearest to the question."""


@dataclass(frozen=True)
class Large:
    driver: Driver
    queries: tuple[list[float], ...]
    degrees: "Whole"


class Numbered(Embeddings):
    """Embeds the number of a query as its vector."""

    def __init__(self, queries: Sequence[list[float]]) -> None:
        self._queries = queries

    def embed_query(self, text: str) -> list[float]:
        return self._queries[int(text)]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


def generated(random: np.random.Generator) -> "tuple[Floats, Whole, Floats]":
    """The concepts' vectors, the relations as rows of two concepts, and vectors of queries."""
    clusters = max(1, CONCEPTS // 100)
    centres = random.normal(size=(clusters, DIMENSIONS))
    of_cluster = np.sort(random.integers(clusters, size=CONCEPTS))
    vectors = centres[of_cluster] + random.normal(scale=0.8, size=(CONCEPTS, DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # a few concepts have very many relations, and four of five stay near their own cluster
    sources = (CONCEPTS * random.power(1.6, size=RELATIONS)).astype(np.int64)
    near = (sources + random.integers(-150, 151, size=RELATIONS)) % CONCEPTS
    hubs = random.permutation(CONCEPTS)
    towards_hubs = hubs[(CONCEPTS * random.uniform(size=RELATIONS) ** 4).astype(np.int64)]
    targets = np.where(random.uniform(size=RELATIONS) < 0.8, near, towards_hubs)
    chosen = random.integers(CONCEPTS, size=QUERIES)
    chosen[::ABOUT_HUBS] = hubs[: len(chosen[::ABOUT_HUBS])]
    queries = vectors[chosen] + random.normal(scale=0.02, size=(QUERIES, DIMENSIONS))
    return vectors, np.stack([sources, targets], axis=1), queries


def load(driver: Driver, vectors: "Floats", relations: "Whole", random: np.random.Generator) -> None:
    driver.execute_query(f"CREATE CONSTRAINT FOR (concept:{LABEL}) REQUIRE concept.name IS UNIQUE")
    for begin in range(0, len(vectors), 2000):
        rows = [
            [f"c{begin + row}", vector] for row, vector in enumerate(vectors[begin : begin + 2000].tolist())
        ]
        driver.execute_query(
            f"UNWIND $rows AS row CREATE (:{LABEL} {{name: row[0], summary: 'about ' + row[0], "
            "embedding: row[1]})",
            rows=rows,
        )
    kinds = random.integers(len(TYPES), size=len(relations))
    for kind, name in enumerate(TYPES):
        of_kind = relations[kinds == kind].tolist()
        for begin in range(0, len(of_kind), 20_000):
            driver.execute_query(
                f"UNWIND $rows AS row MATCH (source:{LABEL} {{name: 'c' + row[0]}}), "
                f"(target:{LABEL} {{name: 'c' + row[1]}}) CREATE (source)-[:`{name}`]->(target)",
                rows=of_kind[begin : begin + 20_000],
            )
    driver.execute_query(
        f"CREATE VECTOR INDEX {INDEX} FOR (concept:{LABEL}) ON concept.embedding OPTIONS {{indexConfig: "
        f"{{`vector.dimensions`: {DIMENSIONS}, `vector.similarity_function`: 'cosine'}}}}"
    )
    driver.execute_query("CALL db.awaitIndexes(3000)")


@pytest.fixture(scope="module")
def server() -> Iterator[Neo4jServer]:
    try:
        with maven_neo4j(LONG_TERM, flags=java_flags_for_speed, page_cache="2g") as neo4j:
            yield neo4j.start()
    except NotAvailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def large(server: Neo4jServer) -> Iterator[Large]:
    random = np.random.default_rng(20260118)
    began = time.perf_counter()
    vectors, relations, queries = generated(random)
    with GraphDatabase.driver(server.uri, auth=(server.username, server.password)) as driver:
        load(driver, vectors, relations, random)
        degrees = np.bincount(relations.ravel(), minlength=CONCEPTS)
        print(  # noqa: T201
            f"\n{CONCEPTS:,} concepts, {RELATIONS:,} relations (median degree {int(np.median(degrees))}, "
            f"{(degrees > 200).sum():,} above 200, highest {degrees.max():,}), {DIMENSIONS} dimensions, "
            f"Neo4j {server.version} ({server.source}); {machine()}; "
            f"made and loaded in {time.perf_counter() - began:.0f} s",
        )
        gc.freeze()  # else each collection between two timings would look through all libraries again
        yield Large(driver, tuple(queries.tolist()), degrees)
        gc.unfreeze()


def in_turn(work: Callable[[int], object]) -> Callable[[int], None]:
    """Do the work for the next query; each variant comes to the same queries in the same order."""
    numbers = itertools.cycle(range(QUERIES))

    def repeat(repetitions: int) -> None:
        for _ in range(repetitions):
            work(next(numbers))

    return repeat


def asked_of(driver: Driver, work: Callable[[], object]) -> list[tuple[Query, dict[str, Any]]]:
    """The statements that `work` sends, with their parameters."""
    heard: list[tuple[Query, dict[str, Any]]] = []
    execute_query = driver.execute_query

    def heard_first(query: Query, parameters: dict[str, Any], **options: Any) -> Any:
        heard.append((query, parameters))
        return execute_query(query, parameters, **options)

    driver.execute_query = heard_first  # type: ignore[method-assign,assignment]
    try:
        work()
    finally:
        driver.execute_query = execute_query  # type: ignore[method-assign]
    return heard


@pytest.mark.filterwarnings("ignore")  # the peer warns of its own future
def test_an_exploration_beside_its_cypher_and_a_peer(large: Large, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="neo4j.notifications")  # and the server of the peer's Cypher
    driver, graph = large.driver, Neo4jGraph(large.driver, INDEX, LABEL, timeout_seconds=60)
    explorations = [explore(query, graph) for query in large.queries]
    statements = [
        asked_of(driver, lambda query=query: explore(query, graph))  # type: ignore[misc]
        for query in large.queries
    ]
    first = VectorCypherRetriever(driver, INDEX, THREE_HOPS)
    best = VectorCypherRetriever(driver, INDEX, BEST_OF_THREE_HOPS)

    def raw(number: int) -> None:
        for query, parameters in statements[number]:
            driver.execute_query(query, parameters, routing_=RoutingControl.READ)

    timings = paired(
        {
            "its Cypher": in_turn(raw),
            "exploration": in_turn(lambda number: explore(large.queries[number], graph)),
            "first within 3 hops": in_turn(
                lambda number: first.search(query_vector=large.queries[number], top_k=1)
            ),
        },
        baseline="its Cypher",
        repetitions=1,
        rounds=ROUNDS,
    )
    ranked = paired(
        {
            "exploration": in_turn(lambda number: explore(large.queries[number], graph)),
            "best within 3 hops": in_turn(
                lambda number: best.search(query_vector=large.queries[number], top_k=1)
            ),
        },
        baseline="exploration",
        repetitions=1,
        rounds=2 * QUERIES,
    )
    hops = [len(exploration.hops) for exploration in explorations]
    trips = [exploration.round_trips for exploration in explorations]
    sampled = sum(len(exploration.sampled) for exploration in explorations)
    print(  # noqa: T201
        f"\nan exploration: {np.median(trips):.0f} round trips, {np.median(hops):.0f} hops looked at "
        f"(medians of {QUERIES} queries; {sampled} supernodes sampled in all)"
    )
    for name, timing in {**timings, "best within 3 hops": ranked["best within 3 hops"]}.items():
        print(f"{name:24} {shown(timing)}")  # noqa: T201


def test_a_supernode_sampled_beside_one_whose_every_neighbour_is_scored(large: Large) -> None:
    graph, hub = Neo4jGraph(large.driver, INDEX, LABEL, timeout_seconds=60), int(large.degrees.argmax())
    query, every = large.queries[0], int(large.degrees.max())
    timings = paired(
        {
            "sampled": lambda repetitions: look(graph, query, hub, 200, repetitions),
            "every neighbour scored": lambda repetitions: look(graph, query, hub, every, repetitions),
        },
        baseline="sampled",
        repetitions=1,
    )
    print(f"\nthe relations of a concept that has {every:,}")  # noqa: T201
    for name, timing in timings.items():
        print(f"{name:24} {shown(timing)}")  # noqa: T201


def look(graph: Neo4jGraph, query: list[float], concept: int, max_degree: int, repetitions: int) -> None:
    for _ in range(repetitions):
        graph.neighbours(query, [f"c{concept}"], max_degree)


def test_recording_costs_at_most_a_twentieth(large: Large, tmp_path: Path) -> None:
    retriever = GraphPathRetriever.from_driver(
        large.driver, Numbered(large.queries), index_name=INDEX, label=LABEL, timeout_seconds=60
    )
    handler = ExamsGraphCallbackHandler(tmp_path)
    timings = paired(
        {
            "without a handler": in_turn(lambda number: retriever.invoke(str(number))),
            "recorded": in_turn(
                lambda number: retriever.invoke(str(number), config={"callbacks": [handler]})
            ),
        },
        baseline="without a handler",
        repetitions=1,
        rounds=ROUNDS,
    )
    assert failures.counts() == {}, "a handler that fails is fast: these figures would be false"
    recorded = [fact for fact in handler.journal.read() if isinstance(fact, Exploration)]
    assert len(recorded) == ROUNDS + 1
    share = timings["recorded"].added / timings["without a handler"].microseconds
    for name, timing in timings.items():
        print(f"\nretriever, {name:24} {shown(timing)}", end="")  # noqa: T201
    print(f"   recording adds {share:.1%}")  # noqa: T201
    assert share <= 0.05


def shown(timing: Timing) -> str:
    return (
        f"{timing.microseconds / 1000:9.2f} ms   added {timing.added / 1000:+8.2f} ms "
        f"({timing.added_low / 1000:+.2f} to {timing.added_high / 1000:+.2f})"
    )
