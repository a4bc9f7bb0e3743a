"""A text that changes whenever a journal does: what was worked out of it before then still holds."""

from hashlib import blake2b

from examsgraph_callbacks.journal.forget import forgotten_mark
from examsgraph_callbacks.journal.journal import Journal
from examsgraph_callbacks.journal.lake import lake_of

__all__ = ["journal_mark"]


def journal_mark(journal: Journal, lake: str | None = None) -> str:
    """What tells this moment's journal from an earlier or a later one, by the sizes of its files.

    Costs one `stat` a segment, and the names of the lake's commits; `lake` is where that is, if not where
    it is configured to be.
    """
    parts = [str(forgotten_mark(journal.path))]
    for path in journal.segments():
        try:
            parts.append(f"{path.name}:{path.stat().st_size}")
        except FileNotFoundError:
            continue
    parts += lake_of(journal.path, lake).store.names("commits")
    return blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()
