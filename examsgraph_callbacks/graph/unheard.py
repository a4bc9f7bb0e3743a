"""Marks the questions that this package itself puts to a graph: they are not to be heard as a retriever's."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["is_unheard", "unheard"]

_unheard: ContextVar[bool] = ContextVar("examsgraph_unheard", default=False)


@contextmanager
def unheard() -> Iterator[None]:
    """Nobody hears what is asked in the block, in threads and tasks that copy its context too."""
    token = _unheard.set(True)
    try:
        yield
    finally:
        _unheard.reset(token)


def is_unheard() -> bool:
    """Whether what is asked here is a question of this package's own."""
    return _unheard.get()
