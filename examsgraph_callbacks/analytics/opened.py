"""A journal opened for questions: the engine and what was read, made at the first, and one at a time."""

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.settings import Settings

if TYPE_CHECKING:
    from examsgraph_callbacks.analytics.sources import Sources

__all__ = ["Opened"]


class Opened:
    """Whoever asks holds the `lock`: an engine's connection answers one question at a time."""

    def __init__(self, journal: Journal, settings: Settings, meter: Meter) -> None:
        self._journal = journal
        self._settings = settings
        self._meter = meter
        self.lock = threading.Lock()

    @cached_property
    def sources(self) -> "Sources":
        """The journal as tables; starts the engine when it is first asked for."""
        from examsgraph_callbacks.analytics.engine import connect
        from examsgraph_callbacks.analytics.sources import Sources

        backend = connect(self._settings.engine)
        return Sources(self._journal, self._meter, backend, self._settings.lake)
