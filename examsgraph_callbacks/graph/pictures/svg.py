"""An exploration as one SVG file: no font, script, image or style from outside, on light and dark screens."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from html import escape

from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.graph.pictures.layout import (
    LINE_HEIGHT,
    MARGIN,
    SIGN,
    Box,
    Layout,
    Line,
    Role,
    Text,
    lay_out,
)
from examsgraph_callbacks.graph.pictures.text import shown
from examsgraph_callbacks.graph.pictures.tree import strange_hops
from examsgraph_callbacks.graph.pictures.words import WORDS, Language, Words

__all__ = ["bounds_in_words", "draw_svg"]

_HEADING_WIDTH = 620.0
_FRAMED = {"seed", "followed", "strange", "rejected"}
_QUIET = {"quiet", "level", "edge", "verdict", "more"}
# classes and no variables: what turns an SVG into an image often knows no variables
_STYLE = """
.eg-back{fill:#fff}
.eg text{font-family:system-ui,"Noto Sans KR","Apple SD Gothic Neo","Malgun Gothic",sans-serif;fill:#1f2328}
.eg .eg-quiet text,.eg text.eg-quiet{fill:#59636e}
.eg text.eg-score,.eg text.eg-heading,.eg .eg-seed text{font-weight:600}
.eg rect,.eg path{stroke-width:1.5}
.eg-seed rect{fill:#0969da;stroke:#0969da}.eg .eg-seed text{fill:#fff}
.eg-followed rect{fill:#ddf4ff;stroke:#0969da}.eg-followed path{fill:none;stroke:#0969da}
.eg-strange rect{fill:#ffebe9;stroke:#cf222e;stroke-width:2.5}.eg-strange path{fill:none;stroke:#cf222e}
.eg-strange path.eg-warning{fill:#cf222e;stroke:none}
.eg .eg-strange text.eg-reason{fill:#b3141f}.eg .eg-strange text.eg-bang{fill:#fff;font-weight:700}
.eg-rejected rect{fill:#f6f8fa;stroke:#afb8c1;stroke-dasharray:3 3}
.eg-rejected path{fill:none;stroke:#afb8c1;stroke-dasharray:3 3}
@media(prefers-color-scheme:dark){
.eg-back{fill:#0d1117}.eg text{fill:#e6edf3}.eg .eg-quiet text,.eg text.eg-quiet{fill:#9198a1}
.eg-seed rect{fill:#1f6feb;stroke:#1f6feb}
.eg-followed rect{fill:#10233f;stroke:#4493f8}.eg-followed path{stroke:#4493f8}
.eg-strange rect{fill:#3a1619;stroke:#f85149}.eg-strange path{stroke:#f85149}
.eg-strange path.eg-warning{fill:#f85149}.eg .eg-strange text.eg-reason{fill:#ff8f88}
.eg .eg-strange text.eg-bang{fill:#0d1117}
.eg-rejected rect{fill:#151b23;stroke:#656c76}.eg-rejected path{stroke:#656c76}
}
"""


def draw_svg(
    exploration: Exploration,
    *,
    always_shown: Collection[int] = (),
    has_heading: bool = True,
    has_signs: bool = False,
    language: Language = "en",
) -> str:
    """The whole picture: where it began, what was followed, and greyed the best of what was not.

    Each hop carries relation and scores; a strange one is red, with a warning sign and the reasons.
    Everything about the hop at position n of the exploration is in a group with `data-hop="n"`. Of the
    hops that were not followed, those at the positions `always_shown` are never left out. `has_signs`
    leaves an empty `text.eg-sign` beside each hop's name, for a page to set. What it says beside the
    facts' own words is in `language`.
    """
    words = WORDS[language]
    heading = _heading(exploration, words) if has_heading else ()
    top = max((text.box.bottom for text in heading), default=0.0)
    strange = strange_hops(exploration, language)
    layout = lay_out(exploration, strange, always_shown, top=top, has_signs=has_signs, words=words)
    has_path = any(hop.verdict == "followed" for hop in exploration.hops)
    around = (*heading, *_legend(layout.height, "" if has_path else words.no_path, words))
    width = max(layout.width, *(text.box.right + MARGIN for text in around))
    height = max(text.box.bottom for text in around) + MARGIN
    about = exploration.query or exploration.wrong_concept or ""
    title = escape(shown(words.title.format(about=about)))
    alone = (text for text in (*around, *layout.texts) if text.hop is None)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="eg" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" aria-label="{title}">'
        f"<title>{title}</title><style>{_STYLE}</style>"
        f'<rect class="eg-back" width="100%" height="100%" rx="6"/>'
        f"{''.join(_hops(layout, has_signs=has_signs))}{''.join(map(_text, alone))}</svg>\n"
    )


def bounds_in_words(exploration: Exploration) -> str:
    """The retrieval parameters that are known, by their names."""
    params = exploration.retrieval_params.model_dump(exclude_none=True)
    shown_values = {
        name: "|".join(value) if isinstance(value, tuple) else value for name, value in params.items()
    }
    return ", ".join(f"{name} {value}" for name, value in shown_values.items())


def _heading(exploration: Exploration, words: Words) -> tuple[Text, ...]:
    about = {
        words.question: exploration.question_id,
        words.wrong_concept: exploration.wrong_concept,
        words.at: f"{exploration.started_at:%Y-%m-%d %H:%M:%S} UTC",
    }
    told = ", ".join(f"{name} {value}" for name, value in about.items() if value)
    placed: list[Text] = []
    top = MARGIN
    for text, size in ((exploration.query or "", 15.0), (told, 12.0), (bounds_in_words(exploration), 12.0)):
        if shown(text):
            role: Role = "heading" if size == 15.0 else "quiet"
            placed.append(Text.at(MARGIN, top, text, size, role, widest=_HEADING_WIDTH))
            top = placed[-1].box.bottom
    return tuple(placed)


def _legend(top: float, remark: str, words: Words) -> tuple[Text, ...]:
    placed: list[Text] = []
    if remark:
        placed.append(Text.at(MARGIN, top, remark, 12.0, "quiet"))
        top = placed[-1].box.bottom + MARGIN
    left = MARGIN
    legend: dict[Role, str] = {
        "seed": words.began,
        "followed": words.followed,
        "strange": words.strange,
        "rejected": words.rejected,
    }
    for role, text in legend.items():
        placed.append(Text.at(left, top, text, 11.0, role, padding=7.0, signs=int(role == "strange")))
        left = placed[-1].box.right + 8
    top = placed[-1].box.bottom + 6
    return (*placed, Text.at(MARGIN, top, words.scores, 11.0, "quiet", widest=_HEADING_WIDTH))


def _hops(layout: Layout, *, has_signs: bool) -> Iterator[str]:
    """What is about each hop in a group of its own; the followed ones last, so that they lie on top."""
    parts: defaultdict[int, list[str]] = defaultdict(list)
    roles: dict[int, Role] = {}
    for line in layout.lines:
        if line.hop is not None:
            parts[line.hop].append(_line(line))
    for text in layout.texts:
        if text.hop is not None:
            parts[text.hop].append(_text(text, has_signs=has_signs))
            if text.role in _FRAMED:
                roles[text.hop] = text.role
    for index in sorted(roles, key=lambda index: (roles[index] != "rejected", index)):
        quiet = " eg-quiet" if roles[index] == "rejected" else ""
        inside = "".join(parts[index])
        yield f'<g class="eg-hop eg-{roles[index]}{quiet}" data-hop="{index}">{inside}</g>'


def _line(line: Line) -> str:
    onward = "" if line.right is None else f"H{line.right:.1f}"
    return f'<path d="M{line.left:.1f} {line.top:.1f}V{line.bottom:.1f}{onward}"/>'


def _text(text: Text, *, has_signs: bool = False) -> str:
    box, is_framed = text.box, text.role in _FRAMED
    frame = _frame(box) if is_framed else ""
    first = box.top + text.padding / 2 + 1.05 * text.size
    role = "eg-quiet" if text.role in _QUIET else f"eg-{text.role}"
    lines = "".join(
        f'<text x="{box.left + text.padding:.1f}" y="{first + number * LINE_HEIGHT * text.size:.1f}" '
        f'font-size="{text.size:g}" class="{"eg-name" if is_framed else role}">{escape(line)}</text>'
        for number, line in enumerate(text.lines)
    )
    signs = _signs(text, has_signs=has_signs) if text.signs else ""
    # what belongs to no hop has no group that says its kind
    return (
        f'<g class="eg-{text.role}">{frame}{lines}{signs}</g>' if text.hop is None else frame + lines + signs
    )


def _frame(box: Box) -> str:
    return (
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{min(9.0, box.height / 2):g}"/>'
    )


def _signs(text: Text, *, has_signs: bool) -> str:
    """The warning triangle of a strange hop, drawn as not every font has one, and room for a page's sign."""
    right, middle = text.box.right - text.padding + 4, (text.box.top + text.box.bottom) / 2
    place = warning = ""
    if text.role == "strange":
        warning = (
            f'<path class="eg-warning" d="M{right - 14:.1f} {middle + 6:.1f}h14l-7 -13z"/>'
            f'<text class="eg-bang" x="{right - 8.5:.1f}" y="{middle + 4.5:.1f}" font-size="10">!</text>'
        )
        right -= SIGN
    if has_signs and text.hop is not None:
        place = f'<text class="eg-sign" x="{right - 8:.1f}" y="{middle + 5:.1f}" font-size="14"></text>'
    return place + warning
