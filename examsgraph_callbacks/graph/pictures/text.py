"""How wide text will stand in a picture whose font nobody knows: estimated, never too narrow."""

import unicodedata

__all__ = ["shown", "text_width", "wrapped"]

# in ems, a little above the widest of the common sans-serif fonts
_WIDE = 1.05  # Korean, Chinese, Japanese
_EMOJI = 1.4
_BROAD = 1.0
_UPPER = 0.82
_LOWER = 0.66
_NARROW = 0.45
_BROAD_LETTERS = frozenset("mwMW@%&—…→←⚠≥×")
_NARROW_LETTERS = frozenset(" .,:;'|!()[]{}ijl·-`/\\\"ftrI")


def shown(text: str) -> str:
    """Text as XML can hold it, in one line: composed, and without what steers a display."""
    composed = unicodedata.normalize("NFC", text)
    line = "".join(
        " " if character.isspace() else character if _can_be_shown(character) else "\N{REPLACEMENT CHARACTER}"
        for character in composed
    )
    return line.strip()


def text_width(text: str, size: float) -> float:
    """The width of a line in px, in a font of `size` px."""
    return size * sum(map(_ems, unicodedata.normalize("NFC", text)))


def wrapped(text: str, size: float, width: float) -> tuple[str, ...]:
    """The text in lines of at most `width` px: parted at spaces, within a word where it has to be."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if text_width(longer, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = ""
        for character in word:
            if line and text_width(line + character, size) > width:
                lines.append(line)
                line = ""
            line += character
    return (*lines, line)


def _ems(character: str) -> float:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Cf", "Mn", "Me"}:
        return 0.0
    if character in _BROAD_LETTERS:
        return _BROAD
    if unicodedata.east_asian_width(character) in "WF":
        return _EMOJI if unicodedata.category(character) == "So" else _WIDE
    if character in _NARROW_LETTERS:
        return _NARROW
    if character.isupper() or unicodedata.category(character)[0] == "S":
        return _UPPER
    # letters of scripts whose widths differ much are taken for broad
    return _LOWER if character.isascii() or "LATIN" in unicodedata.name(character, "") else _BROAD


def _can_be_shown(character: str) -> bool:
    # control characters, lone surrogates and what no character is have no place in XML
    return unicodedata.category(character) not in {"Cc", "Cs", "Cn"}
