"""The driver, heard: every way to run a query and to read its result, and each is as it was before."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextvars import copy_context
from types import GeneratorType
from typing import Any

import neo4j
import pytest
from neo4j import AsyncDriver, AsyncManagedTransaction, AsyncResult, Driver, ManagedTransaction, Result
from neo4j.exceptions import ClientError, ResultNotSingleError, TransientError

from examsgraph_callbacks import Journal
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.failures import FailureLog
from examsgraph_callbacks.graph.tap import record_paths
from examsgraph_callbacks.graph.tap.driver import listen_to_the_driver
from tests.tap.graph import LABEL, QUESTION, assert_true_hops, explored, relations

QUERY = (
    f"MATCH path = (a:{LABEL} {{name: '정규화'}})-[r]->(b) WHERE $query_vector IS NOT NULL "
    "RETURN path, b.name AS name ORDER BY b.name"
)
VECTOR = [*QUESTION.embedding]
HOPS = sum(source == "정규화" for source, _, _ in relations())


def names(journal: Journal) -> list[str]:
    return sorted(hop.next_node for hop in explored(journal).hops)


# each runs the query and hands the result on while it can be read


def by_session(driver: Driver, read: Callable[[Result], Any]) -> Any:
    with driver.session() as session:
        return read(session.run(QUERY, {"query_vector": VECTOR}))


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


AsyncRead = Callable[[AsyncResult], Awaitable[Any]]


async def in_async_session(driver: AsyncDriver, read: AsyncRead) -> Any:
    async with driver.session() as session:
        return await read(await session.run(QUERY, {"query_vector": VECTOR}))


async def in_async_transaction(driver: AsyncDriver, read: AsyncRead) -> Any:
    async with driver.session() as session, await session.begin_transaction() as transaction:
        return await read(await transaction.run(QUERY, query_vector=VECTOR))


async def in_async_managed_read(driver: AsyncDriver, read: AsyncRead) -> Any:
    async def work(transaction: AsyncManagedTransaction) -> Any:
        return await read(await transaction.run(QUERY, query_vector=VECTOR))

    async with driver.session() as session:
        return await session.execute_read(work)


async def by_async_execute_query(driver: AsyncDriver, read: AsyncRead) -> Any:
    return await driver.execute_query(QUERY, query_vector=VECTOR, result_transformer_=read)


async def iteration(result: AsyncResult) -> Any:
    return [record async for record in result]


async def peek_and_iteration(result: AsyncResult) -> Any:
    return [await result.peek(), *[record async for record in result]]


async def fetch(result: AsyncResult) -> Any:
    return [*await result.fetch(3), *await result.fetch(100)]


async def graph(result: AsyncResult) -> Any:
    return sorted(node["name"] for node in (await result.graph()).nodes)


async def to_df(result: AsyncResult) -> Any:
    return (await result.to_df())["name"].tolist()


async def to_eager_result(result: AsyncResult) -> Any:
    return (await result.to_eager_result()).records


ASYNC_RUNS = [in_async_session, in_async_transaction, in_async_managed_read, by_async_execute_query]
ASYNC_READS = [
    iteration,
    peek_and_iteration,
    fetch,
    graph,
    to_df,
    to_eager_result,
    AsyncResult.data,
    AsyncResult.value,
    AsyncResult.values,
]


@pytest.mark.parametrize("run", ASYNC_RUNS, ids=lambda run: run.__name__)
async def test_async_every_way_to_run_a_query_is_heard(
    run: Callable[[AsyncDriver, AsyncRead], Awaitable[Any]], async_driver: AsyncDriver, journal: Journal
) -> None:
    as_ever = await run(async_driver, iteration)
    async with record_paths(journal=journal):
        assert repr(await run(async_driver, iteration)) == repr(as_ever)
    exploration = explored(journal)
    assert len(exploration.hops) == HOPS
    assert exploration.round_trips == 1
    assert_true_hops(exploration, VECTOR)


@pytest.mark.parametrize("read", ASYNC_READS, ids=lambda read: read.__name__)
async def test_async_every_way_to_read_a_result_is_heard_and_reads_as_ever(
    read: AsyncRead, async_driver: AsyncDriver, journal: Journal
) -> None:
    as_ever = await in_async_session(async_driver, read)
    async with record_paths(journal=journal):
        assert repr(await in_async_session(async_driver, read)) == repr(as_ever)
    assert len(explored(journal).hops) == HOPS


async def test_async_execute_query_and_single_are_heard(async_driver: AsyncDriver, journal: Journal) -> None:
    async with record_paths(journal=journal):
        heard = await async_driver.execute_query(QUERY, query_vector=VECTOR)
        async with async_driver.session() as session:
            one = await (await session.run(f"{QUERY} LIMIT 1", query_vector=VECTOR)).single(strict=True)
    assert type(heard) is neo4j.EagerResult
    assert one["name"] in names(journal)
    assert len(names(journal)) == HOPS
    assert asyncio.iscoroutinefunction(AsyncDriver.execute_query)


async def cancelled_while_it_asks(driver: AsyncDriver, has_begun: asyncio.Event) -> None:
    await driver.execute_query(QUERY, query_vector=VECTOR)
    has_begun.set()
    await asyncio.sleep(60)


async def test_a_cancelled_run_is_cancelled_and_recorded(async_driver: AsyncDriver, journal: Journal) -> None:
    has_begun = asyncio.Event()
    cancelled = record_paths(cancelled_while_it_asks, journal=journal)
    task = asyncio.create_task(cancelled(async_driver, has_begun))
    await has_begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    exploration = explored(journal)
    assert (exploration.status, exploration.error_type) == ("error", "CancelledError")
    assert len(exploration.hops) == HOPS


class TestWhatComesWithoutEmbeddings:
    """One lookup more tells it, on either driver."""

    RELATIONS = f"MATCH (:{LABEL} {{name: '정규화'}})-[r]->() WHERE $query_vector IS NOT NULL RETURN r"

    def test_relationships_without_their_nodes_get_names_and_scores(
        self, driver: Driver, journal: Journal
    ) -> None:
        with record_paths(journal=journal):
            driver.execute_query(self.RELATIONS, query_vector=VECTOR)
        exploration = explored(journal)
        assert len(exploration.hops) == HOPS
        assert_true_hops(exploration, VECTOR)
        assert exploration.round_trips == 1, "the lookup is ours, and not counted"

    async def test_of_an_asynchronous_driver_too(self, async_driver: AsyncDriver, journal: Journal) -> None:
        async with record_paths(journal=journal):
            await async_driver.execute_query(self.RELATIONS, query_vector=VECTOR)
        exploration = explored(journal)
        assert len(exploration.hops) == HOPS
        assert_true_hops(exploration, VECTOR)

    async def test_of_a_blocking_driver_in_asynchronous_code(self, driver: Driver, journal: Journal) -> None:
        async with record_paths(journal=journal):
            driver.execute_query(self.RELATIONS, query_vector=VECTOR)
        assert_true_hops(explored(journal), VECTOR)

    async def test_of_an_asynchronous_driver_in_a_plain_block_it_says_why_not(
        self, async_driver: AsyncDriver, journal: Journal
    ) -> None:
        with record_paths(journal=journal):
            await async_driver.execute_query(self.RELATIONS, query_vector=VECTOR)
        exploration = explored(journal)
        assert exploration.hops == ()
        assert any("the driver is asynchronous" in sentence for sentence in exploration.uncaptured)

    def test_the_lookup_reads_only_and_leaves_no_element_id_behind(
        self, driver: Driver, journal: Journal
    ) -> None:
        with record_paths(journal=journal):
            records = driver.execute_query(self.RELATIONS, query_vector=VECTOR).records
        (segment,) = journal.segments()
        written = segment.read_text(encoding="utf-8")
        assert all(record["r"].element_id not in written for record in records)
        assert all(record["r"].start_node.element_id not in written for record in records)

    def test_a_lookup_that_fails_is_said_and_changes_nothing(
        self, driver: Driver, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "examsgraph_callbacks.graph.tap.lookup_statements._by_element_id", lambda: "RETURN 1 / 0"
        )
        told = FailureLog()
        monkeypatch.setattr("examsgraph_callbacks.graph.tap.heard_run.failures", told)
        with record_paths(journal=journal):
            records = driver.execute_query(self.RELATIONS, query_vector=VECTOR).records
        assert len(records) == HOPS
        assert told.counts() == {"looking nodes up": 1}
        said = explored(journal).uncaptured
        assert "Scores were not looked up: the database refused (ClientError)." in said
        assert f"No name is known for an end of {HOPS} relations: left out." in said


class TestNothingIsKept:
    def test_of_the_drivers_objects(self, driver: Driver, journal: Journal) -> None:
        with record_paths(journal=journal), driver.session() as session:
            result = session.run(QUERY, query_vector=VECTOR)
            nodes = [weakref.ref(record["path"].end_node) for record in result]
            gc.collect()
            # the result itself keeps its graph
            del result
            session.run("RETURN 1").consume()
            gc.collect()
            assert {node() for node in nodes} == {None}
        assert len(names(journal)) == HOPS

    def test_beyond_500_relations(self, driver: Driver, journal: Journal) -> None:
        with record_paths(journal=journal, lookup=False):
            driver.execute_query(
                "UNWIND range(1, 600) AS number OPTIONAL MATCH ()-[r:NoSuchType]->() "
                "RETURN [toString(number), coalesce(type(r), '다음'), toString(number + 1)] AS triplet",
            )
        exploration = explored(journal)
        assert len(exploration.hops) == 500
        assert exploration.uncaptured == (
            "There were more than 500 relations: those that came later are left out.",
            "No query had a vector among its parameters: no hop has a similarity_score.",
        )

    def test_by_a_result_that_outlives_its_run(self, driver: Driver, journal: Journal) -> None:
        with driver.session() as session:
            with record_paths(journal=journal):
                result = session.run(QUERY, query_vector=VECTOR)
            assert len(list(result)) == HOPS
        assert explored(journal).hops == ()


class TestWhereNobodyListens:
    CLASSES = (
        neo4j.Session,
        neo4j.Transaction,
        neo4j.ManagedTransaction,
        neo4j.AsyncSession,
        neo4j.AsyncTransaction,
        neo4j.AsyncManagedTransaction,
        neo4j.Driver,
        neo4j.AsyncDriver,
        neo4j.Result,
        neo4j.AsyncResult,
    )

    def test_the_drivers_classes_are_as_they_were(self) -> None:
        gc.collect()
        before = [dict(vars(owner)) for owner in self.CLASSES]
        stops = [listen_to_the_driver(), listen_to_the_driver()]
        assert [dict(vars(owner)) for owner in self.CLASSES] != before
        stops.pop()()
        assert [dict(vars(owner)) for owner in self.CLASSES] != before, "one listens still"
        stop = stops.pop()
        stop()
        stop()
        assert [dict(vars(owner)) for owner in self.CLASSES] == before

    def test_what_somebody_else_has_put_around_since_stays_and_works(
        self, driver: Driver, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gc.collect()
        monkeypatch.setattr(neo4j.Session, "run", neo4j.Session.run)
        heard: list[str] = []
        with record_paths(journal=journal):
            ours = neo4j.Session.run

            def theirs(session: neo4j.Session, query: Any, *args: Any, **kwargs: Any) -> Result:
                heard.append(str(query))
                return ours(session, query, *args, **kwargs)

            neo4j.Session.run = theirs  # type: ignore[assignment,method-assign]
        with driver.session() as session:
            assert session.run("RETURN 1").single(strict=True)[0] == 1
        with record_paths(journal=journal):
            by_session(driver, list)
        assert heard == ["RETURN 1", QUERY]
        assert len(names(journal)) == HOPS, "not heard twice, nor given up"

    def test_a_query_outside_of_a_run_is_not_heard(self, driver: Driver, journal: Journal) -> None:
        with record_paths(journal=journal):
            pass
        stop = listen_to_the_driver()
        with driver.session() as session:
            result = session.run(QUERY, query_vector=VECTOR)
            assert not [name for name in vars(result) if "examsgraph" in name]
            assert len(list(result)) == HOPS
        stop()


def test_a_block_may_be_left_in_another_context(driver: Driver, journal: Journal) -> None:
    paths = record_paths(journal=journal)
    copy_context().run(paths.__enter__)
    assert len(by_session(driver, list)) == HOPS
    paths.__exit__(None, None, None)
    assert [fact.kind for fact in journal.read()] == ["retrieval", "trace"]


def test_a_generator_function_is_refused_as_it_is_not_done_when_it_returns(journal: Journal) -> None:
    def stream() -> Iterator[str]:
        yield "정규화"

    with pytest.raises(InvalidInputError, match="the generator function stream: write  with record_paths"):
        record_paths(stream, journal=journal)


class TestWhatFailsOfOurs:
    @pytest.fixture
    def told(self, monkeypatch: pytest.MonkeyPatch) -> FailureLog:
        told = FailureLog()
        for module in ("driver", "results", "heard_run"):
            monkeypatch.setattr(f"examsgraph_callbacks.graph.tap.{module}.failures", told)
        return told

    def fail(self, *_args: object, **_more: object) -> None:
        raise RuntimeError("a bug of ours")

    def test_reading_records_leaves_the_records_alone(
        self, driver: Driver, journal: Journal, told: FailureLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("examsgraph_callbacks.graph.tap.records.RecordReader.read", self.fail)
        with record_paths(journal=journal):
            assert len(by_session(driver, list)) == HOPS
        assert told.counts() == {"reading a retriever's records": 1}
        assert "Some of the records could not be read: the log of failures has the reason." in (
            explored(journal).uncaptured
        )

    def test_reading_the_query_leaves_the_query_alone(
        self, driver: Driver, journal: Journal, told: FailureLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("examsgraph_callbacks.graph.tap.hearing.Hearing.asked", self.fail)
        with record_paths(journal=journal):
            assert len(by_session(driver, list)) == HOPS
        assert told.counts() == {"reading a retriever's query": 1}

    def test_beginning_a_run_leaves_the_run_alone(
        self, driver: Driver, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = FailureLog()
        monkeypatch.setattr("examsgraph_callbacks.capture.guard.failures", told)
        monkeypatch.setattr("examsgraph_callbacks.graph.tap.own_run.OwnRun.begin", self.fail)
        with record_paths(journal=journal):
            assert len(by_session(driver, list)) == HOPS
        assert sum(told.counts().values()) == 1

    def test_making_the_exploration_leaves_the_run_alone(
        self, driver: Driver, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = FailureLog()
        monkeypatch.setattr("examsgraph_callbacks.capture.guard.failures", told)
        monkeypatch.setattr("examsgraph_callbacks.graph.tap.heard_run.exploration_of", self.fail)
        with record_paths(journal=journal):
            assert len(by_session(driver, list)) == HOPS
        assert sum(told.counts().values()) == 1
        assert [fact.kind for fact in journal.read()] == ["retrieval", "trace"]
