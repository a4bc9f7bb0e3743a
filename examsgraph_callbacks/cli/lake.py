"""`examsgraph compact`: the journal as Parquet, for questions of many facts."""

import typer

from examsgraph_callbacks.cli.common import JournalOption, errors_in_one_line

__all__ = ["compact"]


def compact(journal: JournalOption = None) -> None:
    """Move what nobody writes any more from JSON lines to Parquet, by date.

    Questions are answered as before, and faster; nothing is lost if it is interrupted, and it may be run
    at any time. Segments are removed ten minutes after they were compacted, by the next run, and only
    once they are shipped everywhere. The shipper runs this by itself when it is worth it.

    \b
    EXAMSGRAPH_LAKE   a folder, or the URI of an object store such as s3://bucket/journal (extra [lake]);
                      else the folder lake in the journal

    \b
    Example:
        examsgraph compact
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen, compact_and_tell
        from examsgraph_callbacks.journal import Journal

        compact_and_tell(Journal(journal), Screen())


def add_to(app: typer.Typer) -> None:
    """Make it a verb of `app`."""
    app.command()(compact)
