"""Puts a question to a Neo4j server, in the time it may take, and explains what goes wrong."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from examsgraph_callbacks.errors import ExamsGraphError, GraphUnavailableError, InvalidInputError
from examsgraph_callbacks.graph.unheard import unheard
from examsgraph_callbacks.graph.waiting import within

if TYPE_CHECKING:
    from neo4j import AsyncDriver, Driver, EagerResult
    from neo4j.exceptions import DriverError, Neo4jError

__all__ = ["aask", "ask"]


def ask(
    driver: "Driver",
    statement: str,
    parameters: Mapping[str, Any],
    *,
    fix: str,
    database: str | None,
    timeout_seconds: float,
    writes: bool = False,
) -> "EagerResult":
    """What the server answers to one statement in a transaction of its own.

    `timeout_seconds` bound the server's work and the wait for it, the driver's retries included, which
    end sooner where its `max_transaction_retry_time` does. Raises `InvalidInputError` where vectors of
    different dimensions were compared, and else `GraphUnavailableError`; `fix` is the advice where the
    error itself suggests none.
    """
    from neo4j import Query, RoutingControl
    from neo4j.exceptions import DriverError, Neo4jError

    def asked() -> "EagerResult":
        return driver.execute_query(
            Query(statement, timeout=timeout_seconds),
            dict(parameters),
            routing_=RoutingControl.WRITE if writes else RoutingControl.READ,
            database_=database,
        )

    try:
        # the driver bounds the time to connect and to retry, but would wait for minutes on a server that
        # is connected and says nothing
        with unheard():
            return within(timeout_seconds, asked)
    except (DriverError, Neo4jError) as error:
        raise _explained(error, fix) from error
    except TimeoutError as error:
        raise _late(timeout_seconds) from error


async def aask(
    driver: "AsyncDriver",
    statement: str,
    parameters: Mapping[str, Any],
    *,
    fix: str,
    database: str | None,
    timeout_seconds: float,
) -> "EagerResult":
    """`ask`, awaited; a read."""
    from neo4j import Query, RoutingControl
    from neo4j.exceptions import DriverError, Neo4jError

    try:
        with unheard():
            async with asyncio.timeout(timeout_seconds):
                return await driver.execute_query(
                    Query(statement, timeout=timeout_seconds),
                    dict(parameters),
                    routing_=RoutingControl.READ,
                    database_=database,
                )
    except (DriverError, Neo4jError) as error:
        raise _explained(error, fix) from error
    except TimeoutError as error:
        raise _late(timeout_seconds) from error


def _late(timeout_seconds: float) -> GraphUnavailableError:
    return GraphUnavailableError(
        f"expected the graph server to answer within {timeout_seconds:g} s, got nothing: "
        "see that it is up and not overloaded, or raise timeout_seconds",
    )


def _explained(error: "DriverError | Neo4jError", fix: str) -> ExamsGraphError:
    from neo4j.exceptions import Neo4jError

    if not isinstance(error, Neo4jError):
        return GraphUnavailableError(
            f"expected a graph server that answers, got {str(error)!r}: "
            "start it, or correct its URI and see that the network lets it through",
        )
    code, message = error.code or "", error.message or str(error)
    if "dimension" in message:
        return InvalidInputError(
            f"expected a query vector of the graph's dimension, got {message!r}: "
            "embed the query with the model that embedded the graph",
        )
    if code.startswith("Neo.ClientError.Security"):
        fix = "correct the user name and password, or give the user the right to this"
    elif code == "Neo.ClientError.Database.DatabaseNotFound":
        fix = "name a database that exists"
    elif "TimedOut" in code:
        fix = "raise timeout_seconds"
    elif code.endswith("DatabaseUnavailable"):
        fix = "wait until the database has started, or start it"
    return GraphUnavailableError(
        f"expected the graph server to answer, got {message!r}: {fix}",
    )
