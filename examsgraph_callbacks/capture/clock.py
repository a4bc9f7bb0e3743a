"""Where times and ids come from, so that a test can hand out its own, and how facts write them."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

__all__ = ["Clock", "ms", "utc"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _new_id() -> str:
    return os.urandom(16).hex()


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time (ns since 1970 UTC), elapsed time (ns, monotonic) and new ids (32 hex digits)."""

    wall_ns: Callable[[], int] = time.time_ns
    elapsed_ns: Callable[[], int] = time.perf_counter_ns
    new_id: Callable[[], str] = _new_id


def ms(nanoseconds: int) -> float:
    """Nanoseconds as milliseconds, to the microsecond."""
    return round(nanoseconds / 1e6, 3)


def utc(wall_ns: int) -> str:
    """So many nanoseconds since 1970 in ISO 8601 (UTC), to the microsecond."""
    seconds, nanoseconds = divmod(wall_ns, 1_000_000_000)
    return f"{_second(seconds)}.{nanoseconds // 1000:06d}Z"


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    # not fromtimestamp, which knows no negative times on Windows
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
