"""Does one thing beside another: a server has time for what follows while the next is prepared and sent."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

__all__ = ["Beside"]


class Beside:
    """Does work in a thread of its own, in order; where there is no `thread`, at once.

    As a context manager it waits at its end for what is not done.
    """

    def __init__(self, *, thread: bool) -> None:
        self._thread = ThreadPoolExecutor(1, "examsgraph-beside") if thread else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._thread.shutdown()

    def do(self, work: Callable[[], None]) -> Callable[[], None]:
        """Begin `work`; what is returned waits for its end, and raises its error."""
        if self._thread is None:
            work()
            return _nothing
        return self._thread.submit(work).result


def _nothing() -> None:
    """It is done already."""
