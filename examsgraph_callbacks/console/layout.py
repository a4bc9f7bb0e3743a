"""How sections and tables look, at most 80 columns wide, Korean lined up."""

from collections.abc import Iterator

from rich import box
from rich.table import Table
from rich.text import Text

__all__ = ["add_row", "heading", "more", "new_table"]


def heading(text: str, style: str = "cyan") -> Iterator[Text]:
    """A section's heading, with an empty line above."""
    yield Text()
    yield Text(text, f"bold {style}")


def more(count: int, shown: int) -> Iterator[Text]:
    """How many of `count` are left where `shown` are."""
    if count > shown:
        yield Text(f"… and {count - shown:,} more", "dim")


def new_table(*columns: str, left: int = 1) -> Table:
    """The first `left` columns hold names, the others numbers."""
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, header_style="dim"
    )
    for index, column in enumerate(columns):
        if index < left:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table


def add_row(table: Table, *cells: str | Text) -> None:
    """A row; no cell is taken for markup."""
    table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
