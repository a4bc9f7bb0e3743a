"""A journal opened for questions: the engine and what was read, made at the first, and one at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from examsgraph_callbacks.errors import LakeUnavailableError
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.settings import Settings

if TYPE_CHECKING:
    from examsgraph_callbacks.analytics.sources import Sources

__all__ = ["Opened"]


# DuckDB's errors of files that it cannot read; what an object store's library raises comes as the plain one
_OF_READING = frozenset({"Error", "HTTPException", "IOException"})


class Opened:
    """The engine's connection answers one `question` at a time."""

    def __init__(self, journal: Journal, settings: Settings, meter: Meter) -> None:
        self._journal = journal
        self._settings = settings
        self._meter = meter
        self._lock = threading.Lock()

    @contextmanager
    def question(self) -> Iterator[None]:
        """Ask within the block; whoever else asks waits.

        Raises `LakeUnavailableError` where a file of the lake cannot be read in it.
        """
        with self._lock:
            try:
                yield
            except Exception as error:
                is_of_engine = type(error).__module__.lstrip("_") == "duckdb"
                if is_of_engine and type(error).__name__ in _OF_READING:
                    raise LakeUnavailableError(error) from error
                raise

    @cached_property
    def sources(self) -> "Sources":
        """The journal as tables; starts the engine when it is first asked for."""
        from examsgraph_callbacks.analytics.engine import connect
        from examsgraph_callbacks.analytics.sources import Sources

        backend = connect(self._settings.engine)
        return Sources(self._journal, self._meter, backend, self._settings.lake)
