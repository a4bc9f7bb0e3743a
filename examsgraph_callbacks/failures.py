"""Our own failures: counted always, logged once a minute at most, never raised into the host."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

__all__ = ["FailureLog", "failures"]

logger = logging.getLogger("examsgraph_callbacks")


class FailureLog:
    """Counts failures by where they happened and logs each place once per `interval_seconds`."""

    def __init__(
        self,
        interval_seconds: float = 60.0,
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._monotonic_seconds = monotonic_seconds
        self._counts: Counter[str] = Counter()
        self._logged: dict[str, tuple[float, int]] = {}
        # reentrant: a stream that is garbage-collected in here ends its call on this very thread
        self._lock = threading.RLock()

    def report(self, where: str, error: BaseException | str) -> None:
        """Count one failure at `where` and log it, unless that place was logged within the interval."""
        with self._lock:
            self._counts[where] += 1
            count = self._counts[where]
            now = self._monotonic_seconds()
            logged_at, logged_count = self._logged.get(where, (float("-inf"), 0))
            if now - logged_at < self._interval_seconds:
                return
            self._logged[where] = (now, count)
        what = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        logger.warning(
            "%s failed, the application goes on (%d since the last message, %d in all): %s",
            where,
            count - logged_count,
            count,
            what,
        )

    def counts(self) -> dict[str, int]:
        """How often each place has failed in this process."""
        with self._lock:
            return dict(self._counts)


failures = FailureLog()
"""The process's own log of failures."""
