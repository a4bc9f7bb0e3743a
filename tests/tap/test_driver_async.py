"""The asynchronous driver, heard: every way to run a query and to read its result."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import neo4j
import pytest
from neo4j import AsyncDriver, AsyncManagedTransaction, AsyncResult

from examsgraph_callbacks import Journal
from examsgraph_callbacks.graph.tap import record_paths
from tests.tap.graph import HOPS, QUERY, VECTOR, assert_true_hops, explored, names

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
