"""Where times and ids come from, so that a test can hand out its own."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Clock"]


def _new_id() -> str:
    return os.urandom(16).hex()


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time (ns since 1970 UTC), elapsed time (ns, monotonic) and new ids (32 hex digits)."""

    wall_ns: Callable[[], int] = time.time_ns
    elapsed_ns: Callable[[], int] = time.perf_counter_ns
    new_id: Callable[[], str] = _new_id
