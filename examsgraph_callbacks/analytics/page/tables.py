"""Tables of the page."""

from collections.abc import Sequence
from html import escape

__all__ = ["table"]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of HTML; a column whose head ends in `|` is of plain text, and is escaped."""
    texts = [head.endswith("|") for head in heads]
    lines = [_line("th", [escape(head.rstrip("|")) for head in heads], texts)]
    for row in rows:
        told = [escape(value) if text else value for value, text in zip(row, texts, strict=True)]
        lines.append(_line("td", told, texts))
    return f"<div class=wide><table>{''.join(lines)}</table></div>"


def _line(tag: str, cells: Sequence[str], texts: Sequence[bool]) -> str:
    marks = (" class=text" if text else "" for text in texts)
    line = "".join(f"<{tag}{mark}>{cell}</{tag}>" for cell, mark in zip(cells, marks, strict=True))
    return f"<tr>{line}</tr>"
