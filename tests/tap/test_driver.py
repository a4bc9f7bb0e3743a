"""The driver, heard: every way to run a query and to read its result, and each is as it was before."""

from collections.abc import Callable
from types import GeneratorType
from typing import Any

import neo4j
import pytest
from neo4j import Driver, ManagedTransaction, Result
from neo4j.exceptions import ClientError, ResultNotSingleError, TransientError

from examsgraph_callbacks import Journal
from examsgraph_callbacks.graph.tap import record_paths
from tests.tap.graph import HOPS, QUERY, QUESTION, VECTOR, assert_true_hops, by_session, explored, names

# each runs the query and hands the result on while it can be read


def by_session_with_a_query_object(driver: Driver, read: Callable[[Result], Any]) -> Any:
    with driver.session() as session:
        return read(session.run(query=neo4j.Query(QUERY, timeout=10), query_vector=VECTOR))


def by_transaction(driver: Driver, read: Callable[[Result], Any]) -> Any:
    with driver.session() as session, session.begin_transaction() as transaction:
        return read(transaction.run(QUERY, query_vector=VECTOR))


def by_managed_read(driver: Driver, read: Callable[[Result], Any]) -> Any:
    with driver.session() as session:
        return session.execute_read(lambda transaction: read(transaction.run(QUERY, query_vector=VECTOR)))


def by_managed_write(driver: Driver, read: Callable[[Result], Any]) -> Any:
    with driver.session() as session:
        return session.execute_write(lambda transaction: read(transaction.run(QUERY, query_vector=VECTOR)))


def by_execute_query(driver: Driver, read: Callable[[Result], Any]) -> Any:
    return driver.execute_query(QUERY, {"query_vector": VECTOR}, result_transformer_=read)


RUNS = [
    by_session,
    by_session_with_a_query_object,
    by_transaction,
    by_managed_read,
    by_managed_write,
    by_execute_query,
]

READS: dict[str, Callable[[Result], Any]] = {
    "iteration": list,
    "next": lambda result: [next(result) for _ in range(HOPS)],
    "fetch": lambda result: [*result.fetch(3), *result.fetch(100)],
    "peek and iteration": lambda result: [result.peek(), *result],
    "value": lambda result: result.value("name"),
    "values": lambda result: result.values("name"),
    "data": lambda result: result.data(),
    "graph": lambda result: sorted(node["name"] for node in result.graph().nodes),
    "to_df": lambda result: result.to_df()["name"].tolist(),
    "to_df, expanded": lambda result: result.to_df(expand=True)["name"].tolist(),
    "to_eager_result": lambda result: result.to_eager_result().records,
}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
def test_every_way_to_run_a_query_is_heard(
    run: Callable[[Driver, Callable[[Result], Any]], Any], driver: Driver, journal: Journal
) -> None:
    as_ever = run(driver, list)
    with record_paths(query=QUESTION.text, journal=journal):
        assert repr(run(driver, list)) == repr(as_ever)
    exploration = explored(journal)
    assert len(exploration.hops) == HOPS
    assert exploration.round_trips == 1
    assert exploration.query == QUESTION.text
    assert_true_hops(exploration, VECTOR)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_way_to_read_a_result_is_heard_and_reads_as_ever(
    read: Callable[[Result], Any], driver: Driver, journal: Journal
) -> None:
    as_ever = by_session(driver, read)
    with record_paths(journal=journal):
        heard = by_session(driver, read)
    # of two results, nodes are never equal
    assert repr(heard) == repr(as_ever)
    assert type(heard) is type(as_ever)
    assert len(explored(journal).hops) == HOPS


def test_execute_query_returns_what_it_returns(driver: Driver, journal: Journal) -> None:
    as_ever = driver.execute_query(QUERY, query_vector=VECTOR)
    with record_paths(journal=journal):
        heard = driver.execute_query(QUERY, query_vector=VECTOR)
    assert type(heard) is neo4j.EagerResult
    assert repr(heard.records) == repr(as_ever.records)
    assert heard.keys == as_ever.keys
    assert heard.summary.query == as_ever.summary.query
    assert explored(journal).backend == f"{as_ever.summary.server.agent}, heard on the driver"


def test_a_result_is_the_drivers_own(driver: Driver, journal: Journal) -> None:
    with record_paths(journal=journal), driver.session() as session:
        result = session.run(QUERY, query_vector=VECTOR)
        assert type(result) is Result
        assert [*result.keys()] == ["path", "name"]
        assert type(iter(result)) is GeneratorType


def test_single_is_heard_and_as_strict_as_ever(driver: Driver, journal: Journal) -> None:
    with record_paths(journal=journal), driver.session() as session:
        record = session.run(f"{QUERY} LIMIT 1", query_vector=VECTOR).single(strict=True)
        assert session.run(f"{QUERY} LIMIT 0", query_vector=VECTOR).single() is None
        with pytest.raises(ResultNotSingleError, match="More than one record"):
            session.run(QUERY, query_vector=VECTOR).single(strict=True)
    assert names(journal) == [record["name"]]


def test_what_the_application_does_not_read_is_not_recorded(driver: Driver, journal: Journal) -> None:
    with record_paths(journal=journal), driver.session(fetch_size=2) as session:
        result = session.run(QUERY, query_vector=VECTOR)
        read = [record["name"] for record, _ in zip(result, range(3), strict=False)]
        result.consume()
    assert len(read) == 3
    # zip asked for one more than it gave
    assert set(read) < set(names(journal))
    assert len(names(journal)) == 4


def test_a_result_that_is_only_consumed_shows_nothing_and_it_says_so(
    driver: Driver, journal: Journal
) -> None:
    with record_paths(journal=journal), driver.session() as session:
        summary = session.run(QUERY, query_vector=VECTOR).consume()
    assert type(summary) is neo4j.ResultSummary
    exploration = explored(journal)
    assert exploration.hops == ()
    assert "The retriever read no record of 1 query while it ran." in exploration.uncaptured


def test_what_was_buffered_for_another_query_is_heard_too(driver: Driver, journal: Journal) -> None:
    with (
        record_paths(journal=journal),
        driver.session() as session,
        session.begin_transaction() as transaction,
    ):
        first = transaction.run(QUERY, query_vector=VECTOR)
        second = transaction.run("RETURN 1 AS one")
        assert second.single(strict=True)["one"] == 1
        assert len(first.fetch(HOPS)) == HOPS
    assert len(names(journal)) == HOPS


def test_an_error_in_the_middle_is_the_applications_as_ever(driver: Driver, journal: Journal) -> None:
    query = f"{QUERY} SKIP 0 UNION ALL UNWIND [0] AS zero RETURN null AS path, toString(1 / zero) AS name"
    with (
        record_paths(journal=journal),
        driver.session(fetch_size=1) as session,
        pytest.raises(ClientError, match="by zero"),
    ):
        list(session.run(query, query_vector=VECTOR))
    assert explored(journal).status == "ok", "the application went on"


def test_a_transaction_that_is_tried_again_shows_its_hops_once(driver: Driver, journal: Journal) -> None:
    attempts: list[int] = []

    def work(transaction: ManagedTransaction) -> int:
        attempts.append(len(transaction.run(QUERY, query_vector=VECTOR).fetch(100)))
        if len(attempts) == 1:
            raise TransientError("once more")
        return len(attempts)

    with record_paths(journal=journal), driver.session() as session:
        assert session.execute_read(work) == 2
    assert len(names(journal)) == HOPS
    assert explored(journal).round_trips == 2
