"""Charts as inline SVG and HTML: bars that lie, and columns that stand in time."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

__all__ = ["COLOURS", "Bar", "Column", "bars", "columns", "legend"]

COLOURS = ("#2a6f97", "#e07a5f", "#6a994e", "#bc6c9c", "#b08900", "#5e6472")
"""Told apart by those who see few colours too; what is beyond them shares the last."""

_HEIGHT, _WIDTH = 180, 960


class Bar(NamedTuple):
    """A name, how long its bar is, and what is written behind it."""

    name: str
    value: float
    label: str
    colour: str = COLOURS[0]


class Column(NamedTuple):
    """A place in time, and what stands on each other there, in the order of the legend."""

    name: str
    values: tuple[float, ...]
    label: str


def bars(rows: Sequence[Bar], most: float | None = None) -> str:
    """One bar a line; `most` is the value of a bar of full length."""
    longest = most or max((row.value for row in rows), default=0.0) or 1.0
    lines = (
        f"<div class=bar><span class=name>{escape(row.name)}</span><span class=track>"
        f"<span style='width:{100 * row.value / longest:.1f}%;background:{row.colour}'></span></span>"
        f"<span class=value>{escape(row.label)}</span></div>"
        for row in rows
    )
    return f"<div class=bars>{''.join(lines)}</div>"


def columns(places: Sequence[Column], unit: str) -> str:
    """Columns in the order of time, `unit` at the top of the scale; each says its label to the mouse."""
    highest = max((sum(place.values) for place in places), default=0.0) or 1.0
    step = _WIDTH / max(len(places), 1)
    drawn = []
    for number, place in enumerate(places):
        top = float(_HEIGHT)
        title = f"<title>{escape(place.label)}</title>"
        drawn.append(
            f"<g>{title}<rect class=hit x={number * step:.1f} width={step:.1f} y=0 height={_HEIGHT} />"
        )
        for index, value in enumerate(place.values):
            height = _HEIGHT * value / highest
            top -= height
            colour = COLOURS[min(index, len(COLOURS) - 1)]
            drawn.append(
                f"<rect x={number * step + step * 0.1:.1f} width={max(step * 0.8, 0.5):.1f} y={top:.1f} "
                f"height={height:.1f} fill='{colour}' />"
            )
        drawn.append("</g>")
    every = max(1, -(-len(places) // 12))
    names = "".join(
        f"<text x={(number + 0.5) * step:.1f} y={_HEIGHT + 16} text-anchor=middle>{escape(place.name)}</text>"
        for number, place in enumerate(places)
        if number % every == 0
    )
    scale = f"<text x=0 y=-6>{escape(unit)}</text><line x1=0 x2={_WIDTH} y1=0 y2=0 class=grid />"
    base = f"<line x1=0 x2={_WIDTH} y1={_HEIGHT} y2={_HEIGHT} class=base />"
    frame = f"viewBox='-16 -20 {_WIDTH + 32} {_HEIGHT + 42}' role=img"
    return f"<svg {frame}>{scale}{''.join(drawn)}{base}{names}</svg>"


def legend(names: Sequence[str]) -> str:
    """Which colour is whose."""
    shown = (
        f"<span><i style='background:{COLOURS[min(index, len(COLOURS) - 1)]}'></i>{escape(name)}</span>"
        for index, name in enumerate(names)
    )
    return f"<p class=legend>{''.join(shown)}</p>"
