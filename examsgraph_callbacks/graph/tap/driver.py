"""Listens to Neo4j's driver in this process: which queries are sent where, and what comes back.

Its classes' public methods are wrapped while anybody listens, once. Where nothing is to be heard, a
wrapped method looks a context variable up and goes on.
"""

import threading
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from neo4j import (
    AsyncDriver,
    AsyncManagedTransaction,
    AsyncResult,
    AsyncSession,
    AsyncTransaction,
    Driver,
    ManagedTransaction,
    Result,
    Session,
    Transaction,
)

from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph.tap.hearing import AnyDriver, Hearing, Place, current_hearing
from examsgraph_callbacks.graph.tap.replacing import Method, Replacement
from examsgraph_callbacks.graph.tap.results import RESULTS, put_ear
from examsgraph_callbacks.graph.tap.statements import Statement

__all__ = ["listen_to_the_driver"]

# of `execute_query`, by position
_EXECUTE_QUERY = (
    "query_",
    "parameters_",
    "routing_",
    "database_",
    "impersonated_user_",
    "bookmark_manager_",
    "auth_",
    "result_transformer_",
)


def listen_to_the_driver() -> Callable[[], None]:
    """Listen until what is returned is called, which only counts the first time."""
    global _listeners  # noqa: PLW0603 - the driver's classes are listened to once, or not at all
    with _lock:
        _listeners += 1
        for method in _METHODS:
            method.put()
    is_listening = True

    def stop() -> None:
        nonlocal is_listening
        global _listeners  # noqa: PLW0603 - as above
        with _lock:
            if not is_listening:
                return
            is_listening = False
            _listeners -= 1
            if not _listeners:
                for method in _METHODS:
                    method.take_away()

    return stop


def _heard_run(run: Method) -> Method:
    @wraps(run)
    def heard(runner: object, *args: Any, **kwargs: Any) -> Any:
        hearing = current_hearing()
        if hearing is None:
            return run(runner, *args, **kwargs)
        statement = _asked(hearing, args, kwargs)
        result = run(runner, *args, **kwargs)
        if statement is not None:
            put_ear(result, hearing, statement)
        return result

    return heard


def _heard_async_run(run: Method) -> Method:
    @wraps(run)
    async def heard(runner: object, *args: Any, **kwargs: Any) -> Any:
        hearing = current_hearing()
        if hearing is None:
            return await run(runner, *args, **kwargs)
        statement = _asked(hearing, args, kwargs)
        result = await run(runner, *args, **kwargs)
        if statement is not None:
            put_ear(result, hearing, statement)
        return result

    return heard


def _asked(hearing: Hearing, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Statement | None:
    """Note what `run(query, parameters=None, **parameters)` asks; None where that fails."""
    try:
        named = dict(kwargs)
        query = args[0] if args else named.pop("query")
        parameters = args[1] if len(args) > 1 else named.pop("parameters", None)
        # a Query carries its text
        return hearing.asked(str(getattr(query, "text", query)), {**(parameters or {}), **named})
    except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
        failures.report("reading a retriever's query", error)
        return None


def _noted_session(session: Method) -> Method:
    @wraps(session)
    def noted(driver: AnyDriver, **config: Any) -> Any:
        hearing = current_hearing()
        if hearing is not None:
            hearing.place = Place.of(driver, config)
        return session(driver, **config)

    return noted


def _noted_execution(execute_query: Method) -> Method:
    @wraps(execute_query)
    def noted(driver: AnyDriver, *args: Any, **kwargs: Any) -> Any:
        return execute_query(driver, *args, **_noted(driver, args, kwargs, Result))

    return noted


def _noted_async_execution(execute_query: Method) -> Method:
    @wraps(execute_query)
    async def noted(driver: AnyDriver, *args: Any, **kwargs: Any) -> Any:
        return await execute_query(driver, *args, **_noted(driver, args, kwargs, AsyncResult))

    return noted


def _noted(
    driver: AnyDriver,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    result: type[Result | AsyncResult],
) -> dict[str, Any]:
    """The keyword arguments of `execute_query`, its place noted.

    Its own default is the method that reads the result, as it was before it was wrapped.
    """
    hearing = current_hearing()
    if hearing is None:
        return kwargs
    given = {**dict(zip(_EXECUTE_QUERY, args, strict=False)), **kwargs}
    # a name without the underscore is the query's own parameter
    config = {name.removesuffix("_"): given.get(name) for name in _EXECUTE_QUERY}
    hearing.place = Place.of(driver, config)
    if "result_transformer_" in given:
        return kwargs
    return {**kwargs, "result_transformer_": result.to_eager_result}


_METHODS = (
    *(Replacement(runner, "run", _heard_run) for runner in (Session, Transaction, ManagedTransaction)),
    *(
        Replacement(runner, "run", _heard_async_run)
        for runner in (AsyncSession, AsyncTransaction, AsyncManagedTransaction)
    ),
    *(Replacement(driver, "session", _noted_session) for driver in (Driver, AsyncDriver)),
    Replacement(Driver, "execute_query", _noted_execution),
    Replacement(AsyncDriver, "execute_query", _noted_async_execution),
    *RESULTS,
)

# reentrant: who listens may be garbage-collected in here, and listen no more
_lock = threading.RLock()
_listeners = 0
