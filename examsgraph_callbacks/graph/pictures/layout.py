"""Where everything stands in a picture of an exploration: boxes and lines, none over another.

The way with the most behind it goes straight down, side ways and hops that were not followed stand to its
right. So a picture grows in height with the hops, and hardly in width.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from examsgraph_callbacks.events import Exploration, Hop
from examsgraph_callbacks.graph.drawing import shown_score
from examsgraph_callbacks.graph.pictures.text import shown, text_width, wrapped
from examsgraph_callbacks.graph.pictures.tree import Arrival, path_tree
from examsgraph_callbacks.graph.pictures.words import WORDS, Words

__all__ = ["Box", "Layout", "Line", "Role", "Text", "lay_out"]

Role = Literal[
    "heading",
    "quiet",
    "level",
    "edge",
    "score",
    "seed",
    "followed",
    "strange",
    "reason",
    "rejected",
    "verdict",
    "more",
]

NAME, DETAIL, SMALL = 14.0, 12.0, 11.0
"""Sizes of text in px."""

MARGIN = 16.0
STEP = 34.0  # to the right for a side way
STEM = 17.0  # from a box's left edge to the line that leaves it downwards
LINE_HEIGHT = 1.4
PADDING = 11.0
ASIDE_PADDING = 7.0
GAP = 9.0
ASIDE_GAP = 5.0
SIGN = 18.0  # the warning triangle, or the sign that a page sets
BOLD = 1.08  # times as wide
TEXT_WIDTH = 420.0  # from which on text goes on in the next line


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in px; the origin is at the top left."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share more than an edge."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of text in a box; in a frame where `role` is a concept's. `hop` is the hop it is about.

    `size` and `padding` (left and right; half of it above and below) are px; at the right end there is
    room for `signs` signs.
    """

    box: Box
    lines: tuple[str, ...]
    size: float
    role: Role
    hop: int | None = None
    padding: float = 0.0
    signs: int = 0

    @classmethod
    def at(
        cls,
        left: float,
        top: float,
        text: str,
        size: float,
        role: Role,
        *,
        hop: int | None = None,
        padding: float = 0.0,
        signs: int = 0,
        widest: float = TEXT_WIDTH,
    ) -> "Text":
        """The text in as many lines as it takes where none is wider than `widest` px."""
        lines = wrapped(shown(text), size, widest)
        bold = BOLD if role in {"heading", "score", "seed"} else 1.0
        width = bold * max(text_width(line, size) for line in lines) + 2 * padding
        box = Box(left, top, width + SIGN * signs, len(lines) * size * LINE_HEIGHT + padding)
        return cls(box, lines, size, role, hop, padding, signs)


@dataclass(frozen=True, slots=True)
class Line:
    """A line down from a concept and, for what stands to the right, on to it; `hop` as in `Text`."""

    left: float
    top: float
    bottom: float
    right: float | None
    is_followed: bool
    hop: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's size in px, and what stands in it."""

    width: float
    height: float
    texts: tuple[Text, ...]
    lines: tuple[Line, ...]


def lay_out(
    exploration: Exploration,
    strange: Mapping[int, Sequence[str]],
    always_shown: Collection[int] = (),
    *,
    top: float = 0.0,
    has_signs: bool = False,
    words: Words = WORDS["en"],
) -> Layout:
    """The picture of `exploration`, from `top` on, in these `words`.

    `strange` has the positions of the strange hops with the reasons. Hops in `always_shown` are not
    left out of those that were not followed. With `has_signs` each hop has room for a sign.
    """
    arrivals = path_tree(exploration, always_shown)
    deepest = max((arrival.level for arrival in arrivals), default=0)
    left = MARGIN + text_width(_level(deepest, words), SMALL) + GAP
    page = _Page(exploration.hops, strange, words, left=left, top=top + MARGIN, has_signs=has_signs)
    frames: list[Box] = []
    for arrival in arrivals:
        above = None if arrival.parent is None else (arrivals[arrival.parent], frames[arrival.parent])
        frames.append(page.arrive(arrival, above))
    return page.layout()


class _Page:
    """A page that is written from top to bottom."""

    def __init__(
        self,
        hops: Sequence[Hop],
        strange: Mapping[int, Sequence[str]],
        words: Words,
        *,
        left: float,
        top: float,
        has_signs: bool,
    ) -> None:
        self._hops = hops
        self._strange = strange
        self._words = words
        self._left = left  # of it stand the levels
        self._top = top
        self._has_signs = has_signs
        self._texts: list[Text] = []
        self._lines: list[Line] = []

    def layout(self) -> Layout:
        right = max((text.box.right for text in self._texts), default=0.0)
        return Layout(right + MARGIN, self._top + MARGIN, tuple(self._texts), tuple(self._lines))

    def arrive(self, arrival: Arrival, above: tuple[Arrival, Box] | None) -> Box:
        """Write one concept and what was left aside there; returns its frame."""
        left = self._left + STEP * arrival.branch
        self._top += GAP
        if arrival.hop is None:
            frame = self._beginning(arrival, left)
        else:
            frame = self._reached(arrival, arrival.hop, left)
        if above is not None:
            parent, from_frame = above
            self._lead(from_frame, frame, arrival.hop, is_side_way=arrival.branch > parent.branch)
        for index in arrival.rejected.hops:
            self._left_aside(index, frame)
        if arrival.rejected.more:
            more = sum(times for _, times in arrival.rejected.more)
            kinds = ", ".join(
                f"{times} {self._words.verdicts[verdict]}" for verdict, times in arrival.rejected.more
            )
            self._top += ASIDE_GAP
            self._put(self._words.more.format(count=more, kinds=kinds), SMALL, "more", frame.left + STEP)
        return frame

    def _beginning(self, arrival: Arrival, left: float) -> Box:
        frame = self._put(arrival.node, NAME, "seed", left, padding=PADDING)
        self._put(_level(0, self._words), SMALL, "level", MARGIN, beside=frame)
        if arrival.score is not None:
            self._put(shown_score(arrival.score), DETAIL, "score", frame.right + GAP, beside=frame)
        return frame

    def _reached(self, arrival: Arrival, index: int, left: float) -> Box:
        hop, reasons = self._hops[index], self._strange.get(index, ())
        relation = self._put(_arrow(hop), DETAIL, "edge", left + STEM + GAP, hop=index)
        score = shown_score(hop.similarity_score)
        if hop.edge_similarity is not None:
            score += f" ({self._words.edge.format(score=shown_score(hop.edge_similarity))})"
        self._put(score, DETAIL, "score", relation.right + GAP, hop=index, beside=relation)
        frame = self._put(
            arrival.node,
            NAME,
            "strange" if reasons else "followed",
            left,
            hop=index,
            padding=PADDING,
            signs=bool(reasons) + self._has_signs,
        )
        self._put(_level(arrival.level, self._words), SMALL, "level", MARGIN, hop=index, beside=frame)
        if reasons:
            self._put(", ".join(reasons), DETAIL, "reason", frame.right + GAP, hop=index, beside=frame)
        return frame

    def _left_aside(self, index: int, frame: Box) -> None:
        hop, left = self._hops[index], frame.left + STEP
        self._top += ASIDE_GAP
        name = self._put(
            hop.next_node,
            DETAIL,
            "rejected",
            left,
            hop=index,
            padding=ASIDE_PADDING,
            signs=int(self._has_signs),
        )
        about = f"{shown_score(hop.similarity_score)} {self._words.verdicts[hop.verdict]} ({_arrow(hop)})"
        self._put(about, SMALL, "verdict", name.right + GAP, hop=index, beside=name)
        self._lead(frame, name, index, is_side_way=True, is_followed=False)

    def _lead(
        self, above: Box, to: Box, hop: int | None, *, is_side_way: bool, is_followed: bool = True
    ) -> None:
        self._lines.append(
            Line(
                left=above.left + STEM,
                top=above.bottom,
                bottom=(to.top + to.bottom) / 2 if is_side_way else to.top,
                right=to.left if is_side_way else None,
                is_followed=is_followed,
                hop=hop,
            ),
        )

    def _put(
        self,
        text: str,
        size: float,
        role: Role,
        left: float,
        *,
        hop: int | None = None,
        padding: float = 0.0,
        signs: int = 0,
        beside: Box | None = None,
    ) -> Box:
        """Put text where the page has come to, or `beside` a box; the page goes on below it."""
        put = Text.at(left, self._top, text, size, role, hop=hop, padding=padding, signs=signs)
        if beside is not None:
            top = beside.top + max(0.0, (beside.height - put.box.height) / 2)
            put = replace(put, box=replace(put.box, top=top))
        self._texts.append(put)
        self._top = max(self._top, put.box.bottom)
        return put.box


def _level(level: int, words: Words) -> str:
    return words.level.format(level=level) if level else words.start


def _arrow(hop: Hop) -> str:
    return f"{hop.relation} →" if hop.direction == "out" else f"← {hop.relation}"
