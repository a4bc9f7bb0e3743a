"""A journal, read under a bar."""

from collections.abc import Iterator

from examsgraph_callbacks.console.screen import Advance
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal

__all__ = ["read_under_bar"]


def read_under_bar(journal: Journal, advance: Advance) -> Iterator[Fact]:
    """Every fact, in order; the bar moves with them."""
    for number, fact in enumerate(journal.read(), start=1):
        yield fact
        if number % 100 == 0:
            advance(number)
