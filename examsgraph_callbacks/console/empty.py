"""What to say where a journal holds nothing."""

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.journal import Journal

__all__ = ["empty_journal"]


def empty_journal(journal: Journal) -> InvalidInputError:
    """The error, with the ways to a journal that is not empty."""
    return InvalidInputError(
        f"expected facts in the journal at {journal.path}, found none: name another with --journal, "
        "attach an ExamsGraphCallbackHandler to a chain, or run  examsgraph demo",
    )
