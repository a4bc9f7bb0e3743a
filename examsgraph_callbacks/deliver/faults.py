"""Tells what is at fault where MLflow does not take a trace or a run: that one, or MLflow itself."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from examsgraph_callbacks.deliver.answers import is_unavailable, refuses
from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["Faults"]

IN_A_ROW = 10
"""After so many that it did not take, and none between that it took, MLflow is at fault."""

_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)

T = TypeVar("T")


class Faults(Generic[T]):
    """What MLflow took and did not take of some things that were written one after the other."""

    def __init__(self) -> None:
        self._faults: list[tuple[T, Exception]] = []
        self._in_a_row = 0
        self._taken: T | None = None

    def taken(self, thing: T) -> None:
        """MLflow took it."""
        self._taken = thing
        self._in_a_row = 0

    def add(self, thing: T, error: Exception) -> None:
        """MLflow did not take it; raises `error` where too many in a row were not taken."""
        self._faults.append((thing, error))
        self._in_a_row += 1
        if self._in_a_row == IN_A_ROW:
            raise error

    def settle(
        self, take_again: Callable[[T], object], take: Callable[[T], object] | None = None
    ) -> list[tuple[T, Exception]]:
        """What is at fault itself: what MLflow refused, and what it fails on while it takes others.

        That is seen by trying it again and again, for some seconds, in turn with `take_again`, which writes
        once more what was taken; `take` writes what was not (the same way if it is not given). Raises the
        error of what was taken before, or that of what MLflow failed on where it took nothing.
        """
        return [
            (thing, error)
            for thing, error in self._faults
            if _refused(error) or self._fails_on(thing, error, take_again, take or take_again)
        ]

    def _fails_on(
        self, thing: T, error: Exception, take_again: Callable[[T], object], take: Callable[[T], object]
    ) -> bool:
        if self._taken is None:
            raise error
        for pause in _PAUSES_SECONDS:
            take_again(self._taken)
            try:
                take(thing)
            except type(error) as again:
                if is_unavailable(again):
                    raise
                time.sleep(pause)
            else:
                return False
        return True


def _refused(error: Exception) -> bool:
    return isinstance(error, InvalidInputError) or refuses(error)
