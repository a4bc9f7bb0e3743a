"""Timing in pairs: variants take turns within each round, so a drifting machine hits them alike."""

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Timing", "machine", "paired"]


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians over rounds: µs per repetition, and µs more than the baseline, paired by round."""

    microseconds: float
    added: float
    added_low: float
    added_high: float


def paired(
    variants: Mapping[str, Callable[[int], None]],
    *,
    baseline: str,
    repetitions: int,
    rounds: int = 15,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
) -> dict[str, Timing]:
    """Time each variant (a function that repeats its work n times) `rounds` times, taking turns.

    The first round warms up and is not counted; garbage is collected between the timings, not in them.
    `added_low` and `added_high` are the quartiles of the paired differences. `clock_ns` may count
    something else than time that passes, such as the thread's time on the processor.
    """
    taken: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for round_number in range(rounds + 1):
        # turn the order round, so that no variant always runs after the same other
        turn = names[round_number % len(names) :] + names[: round_number % len(names)]
        for name in turn:
            gc.collect()
            gc.disable()
            began = clock_ns()
            variants[name](repetitions)
            ended = clock_ns()
            gc.enable()
            if round_number:
                taken[name].append((ended - began) / repetitions / 1000)
    return {name: _timing(times, taken[baseline]) for name, times in taken.items()}


def machine() -> str:
    """What the figures were measured on."""
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}"


def _timing(times: list[float], baseline: list[float]) -> Timing:
    added = [mine - theirs for mine, theirs in zip(times, baseline, strict=True)]
    low, middle, high = statistics.quantiles(added, n=4)
    return Timing(statistics.median(times), middle, low, high)
