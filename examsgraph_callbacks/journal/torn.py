"""Last lines that a crash cut short: kept beside the journal's segments once their segment is compacted."""

from pathlib import Path

from examsgraph_callbacks.journal.store import Folder

__all__ = ["set_aside", "torn_files"]

_SUFFIX = ".torn"


def torn_files(journal: Path) -> list[Path]:
    """The files with such a line each, by the name of their segment."""
    return sorted(journal.glob(f"*{_SUFFIX}"))


def set_aside(segment: Path, begin: int) -> bool:
    """Write what stands in a segment from byte `begin` on to a file of its own, if that is a torn line.

    Returns whether it is. The segment stays as it is. Nobody may write to it any more.
    """
    with segment.open("rb") as file:
        file.seek(begin)
        rest = file.read()
    if not rest or b"\n" in rest:
        return False
    # whole, or not at all; done again after a crash, the same once more
    Folder(segment.parent).write(f"{segment.stem}{_SUFFIX}", rest)
    return True
