"""What a person sees in a terminal: lines, progress bars and a readable report."""

from examsgraph_callbacks.console.screen import Advance, Screen
from examsgraph_callbacks.console.shipping import (
    follow_with_progress,
    ship_with_progress,
    show_shipped,
    show_status,
    status_as_json,
)
from examsgraph_callbacks.console.summary import show_report

__all__ = [
    "Advance",
    "Screen",
    "follow_with_progress",
    "ship_with_progress",
    "show_report",
    "show_shipped",
    "show_status",
    "status_as_json",
]
