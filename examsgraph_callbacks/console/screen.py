"""A terminal, or the pipe or file that stands in for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from examsgraph_callbacks.analytics import Report
from examsgraph_callbacks.console.report import render_report

__all__ = ["Advance", "Screen"]


class Advance(Protocol):
    """Moves a progress bar."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Show that `done` are done, of `total` where that is known."""


class Screen:
    """Writes results to standard output, progress and problems to standard error.

    Colours and bars come only where a terminal reads along; a pipe gets plain text, 80 columns wide
    unless `COLUMNS` says otherwise. Text is never taken for markup.
    """

    def __init__(self, output: Console | None = None, problems: Console | None = None) -> None:
        self._output = output or Console(highlight=False)
        self._problems = problems or Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """One line of result, never wrapped."""
        self._output.print(Text(text), soft_wrap=True)

    def command(self, text: str) -> None:
        """A command to copy: on a line of its own, never wrapped."""
        self._output.print(Text(f"  {text}", "cyan"), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Something went wrong that loses nothing."""
        self._problems.print(Text(text, "yellow"), soft_wrap=True)

    def fail(self, text: str) -> None:
        """Why nothing more comes, in one line."""
        self._problems.print(Text(text, "red"), soft_wrap=True)

    def show(self, report: Report, krw_per_usd: float) -> None:
        """The report; `krw_per_usd` are won a dollar."""
        self._output.print(render_report(report, krw_per_usd))

    def lay_out(self, *content: RenderableType) -> None:
        """Lines and tables, one under the other."""
        for part in content:
            self._output.print(part)

    @contextmanager
    def progress(self, description: str) -> Iterator[Advance]:
        """A bar for as long as the block runs, which moves it; nothing of it remains."""
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=self._problems,
            disable=not self._problems.is_interactive,
            transient=True,
        )
        with bar:
            task = bar.add_task(description, total=None, count="")

            def advance(done: int, total: int | None = None) -> None:
                count = f"{done:,}" if total is None else f"{done:,}/{total:,}"
                bar.update(task, completed=done, total=total, count=count)

            yield advance
