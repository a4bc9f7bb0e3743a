"""Where things are kept if nobody says otherwise: known before anything heavy is imported."""

__all__ = ["JOURNAL"]

JOURNAL = ".examsgraph/journal"
"""The journal's directory, relative to the working directory."""
