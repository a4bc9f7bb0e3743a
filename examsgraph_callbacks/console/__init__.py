"""What a person sees in a terminal: lines, progress bars and a readable report."""

from examsgraph_callbacks.console.screen import Advance, Screen
from examsgraph_callbacks.console.shipping import ship_with_progress, show_shipped
from examsgraph_callbacks.console.summary import show_report

__all__ = ["Advance", "Screen", "ship_with_progress", "show_report", "show_shipped"]
