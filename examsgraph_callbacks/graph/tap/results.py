"""Hears a query's records as the application reads them, in whichever way it does; it notices nothing.

An ear is put on each result that is to be heard. All ways of reading come down to iterating, but for
those that may take what is buffered already.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import wraps
from typing import Any

from neo4j import AsyncResult, EagerResult, Record, Result

from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.graph.tap.hearing import Hearing
from examsgraph_callbacks.graph.tap.records import RecordReader
from examsgraph_callbacks.graph.tap.replacing import Method, Replacement
from examsgraph_callbacks.graph.tap.statements import Statement

__all__ = ["RESULTS", "put_ear"]

_EAR = "_examsgraph_ear"


class _Ear:
    """Hears one result for one hearing, until that is closed or something of ours fails."""

    def __init__(self, hearing: Hearing, statement: Statement) -> None:
        self._hearing: Hearing | None = hearing
        self._reader = RecordReader(hearing.collected, statement)
        self.is_muted = False
        self._has_heard = False
        hearing.unread += 1

    def hear(self, records: Iterable[Record]) -> None:
        """The application has been given these records."""
        hearing = self._hearing
        if hearing is None or hearing.is_closed:
            return
        try:
            for record in records:
                if not self._has_heard:
                    self._has_heard = True
                    hearing.unread -= 1
                self._reader.read(record)
        except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
            self._hearing = None
            hearing.has_failed = True
            failures.report("reading a retriever's records", error)
        hearing.answered()

    def hear_all(self, result: EagerResult) -> None:
        """The application has been given all of them at once."""
        self.hear(result.records)
        if self._hearing is not None and result.summary.server is not None:
            self._hearing.agent = result.summary.server.agent


def put_ear(result: Result | AsyncResult, hearing: Hearing, statement: Statement) -> None:
    """Hear what is read of `result` from now on."""
    setattr(result, _EAR, _Ear(hearing, statement))


def _ear_of(result: object) -> _Ear | None:
    """The ear that is to hear what is done next; None too while a way of reading uses another."""
    ear: _Ear | None = vars(result).get(_EAR)
    return None if ear is None or ear.is_muted else ear


def _heard_iteration(iterate: Method) -> Method:
    @wraps(iterate)
    def heard(result: Result) -> Iterator[Record]:
        ear = _ear_of(result)
        return iterate(result) if ear is None else _tee(ear, iterate(result))

    return heard


def _tee(ear: _Ear, records: Iterable[Record]) -> Iterator[Record]:
    for record in records:
        ear.hear((record,))
        yield record
    ear.hear(())


def _heard_async_iteration(iterate: Method) -> Method:
    @wraps(iterate)
    def heard(result: AsyncResult) -> AsyncIterator[Record]:
        ear = _ear_of(result)
        return iterate(result) if ear is None else _async_tee(ear, iterate(result))

    return heard


async def _async_tee(ear: _Ear, records: AsyncIterator[Record]) -> AsyncIterator[Record]:
    async for record in records:
        ear.hear((record,))
        yield record
    ear.hear(())


def _heard_value(hear: Callable[[_Ear, Any], None]) -> Callable[[Method], Method]:
    """For a method that returns what it reads, which is to be heard once and not while it is buffered."""

    def wrap(read: Method) -> Method:
        @wraps(read)
        def heard(result: Result, *args: Any, **kwargs: Any) -> Any:
            ear = _ear_of(result)
            if ear is None:
                return read(result, *args, **kwargs)
            ear.is_muted = True
            try:
                value = read(result, *args, **kwargs)
            finally:
                ear.is_muted = False
            hear(ear, value)
            return value

        return heard

    return wrap


def _heard_async_value(hear: Callable[[_Ear, Any], None]) -> Callable[[Method], Method]:
    def wrap(read: Method) -> Method:
        @wraps(read)
        async def heard(result: AsyncResult, *args: Any, **kwargs: Any) -> Any:
            ear = _ear_of(result)
            if ear is None:
                return await read(result, *args, **kwargs)
            ear.is_muted = True
            try:
                value = await read(result, *args, **kwargs)
            finally:
                ear.is_muted = False
            hear(ear, value)
            return value

        return heard

    return wrap


def _hear_one(ear: _Ear, record: Record | None) -> None:
    ear.hear(() if record is None else (record,))


_VALUES: dict[str, Callable[[_Ear, Any], None]] = {
    "fetch": _Ear.hear,
    "single": _hear_one,
    "peek": _hear_one,
    "to_eager_result": _Ear.hear_all,
}

RESULTS = (
    Replacement(Result, "__iter__", _heard_iteration),
    Replacement(AsyncResult, "__aiter__", _heard_async_iteration),
    *(Replacement(Result, name, _heard_value(hear)) for name, hear in _VALUES.items()),
    *(Replacement(AsyncResult, name, _heard_async_value(hear)) for name, hear in _VALUES.items()),
)
"""The methods of the driver's results through which records reach the application."""
