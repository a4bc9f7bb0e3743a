"""Does one thing beside another: what goes to a server need not wait for what goes there already."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["beside"]


@contextmanager
def beside(work: Callable[[], object], *, at_once: bool = True) -> Iterator[None]:
    """Do `work` while the block runs, and wait for it; not `at_once`, do it after the block.

    Raises the block's error, else the work's.
    """
    if not at_once:
        yield
        work()
        return
    with ThreadPoolExecutor(1, "examsgraph-beside") as thread:
        done = thread.submit(work)
        yield
        done.result()
