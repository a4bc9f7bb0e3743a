"""A path drawn as text, for a log, a terminal or an artifact."""

import unicodedata
from collections.abc import Collection, Sequence

from examsgraph_callbacks.events import Hop
from examsgraph_callbacks.graph.trails import branches

__all__ = ["draw_path", "shown_score"]

_STRANGE = " ⚠️ strange path found!"


def draw_path(path: Sequence[Hop], *, strange: Collection[Hop] = (), show_relations: bool = False) -> str:
    """The followed hops with their scores, one a line, each branch of the path for itself.

    The hops in `strange` are flagged. With `show_relations` the arrow carries the relation's name and
    points as the relation does. Lines up where wide characters (Korean) take two columns.
    """
    return "\n\n".join(
        _draw_branch(branch, strange, show_relations=show_relations) for branch in branches(path)
    )


def shown_score(score: float | None) -> str:
    """A score to two decimals, `?` where it is not known."""
    return "?" if score is None else f"{score:.2f}"


def _draw_branch(branch: Sequence[Hop], strange: Collection[Hop], *, show_relations: bool) -> str:
    root = branch[0].node
    # a next line's arrow stands behind the first one, so that the eye goes down to the right
    indents = [f"{root} ", *[" " * (_columns(root) + 2)] * (len(branch) - 1)]
    return "\n".join(
        f"{indent}{_arrow(hop, show_relations=show_relations)} {hop.next_node} "
        f"({shown_score(hop.similarity_score)}){_STRANGE if hop in strange else ''}"
        for indent, hop in zip(indents, branch, strict=True)
    )


def _arrow(hop: Hop, *, show_relations: bool) -> str:
    if not show_relations:
        return "→"
    return f"─{hop.relation}→" if hop.direction == "out" else f"←{hop.relation}─"


def _columns(text: str) -> int:
    # composed first: a Korean syllable written as its letters still takes two columns
    composed = unicodedata.normalize("NFC", text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in composed)
