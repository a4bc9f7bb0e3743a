"""Tells what is at fault where MLflow does not take a trace or a run: that one, or MLflow itself."""

from collections.abc import Callable
from typing import Generic, TypeVar

from examsgraph_callbacks.deliver.destination import refuses
from examsgraph_callbacks.errors import InvalidInputError

__all__ = ["Faults"]

IN_A_ROW = 10
"""After so many that it did not take, and none between that it took, MLflow is at fault."""

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

    def settle(self, take_again: Callable[[T], object]) -> list[tuple[T, Exception]]:
        """What is at fault itself: what MLflow refused, and what it failed on while it takes others.

        That is seen by `take_again`, which writes once more what was taken. Raises its error, or that of
        what MLflow failed on where it took nothing.
        """
        failures = [error for _, error in self._faults if not _refused(error)]
        if failures and self._taken is None:
            raise failures[-1]
        if failures and self._taken is not None:
            take_again(self._taken)
        return self._faults


def _refused(error: Exception) -> bool:
    return isinstance(error, InvalidInputError) or refuses(error)
