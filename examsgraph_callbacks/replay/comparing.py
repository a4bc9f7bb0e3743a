"""Where two JSON values first differ, and which of many is nearest to one: what a miss is explained by."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from pydantic import JsonValue

__all__ = ["Difference", "first_difference", "nearest"]

_AROUND = 24  # characters shown on either side of a difference
_COMPARED = 4000  # characters by which likeness is judged
_CANDIDATES = 200  # looked at closely


@dataclass(frozen=True, slots=True)
class Difference:
    """`where` in a value, as `messages[1].content`, one has what the other has not."""

    where: str
    recorded: str
    asked: str

    def __str__(self) -> str:
        return f"{self.where} differs: recorded {self.recorded}, asked {self.asked}"


def first_difference(recorded: JsonValue, asked: JsonValue, where: str = "") -> Difference | None:
    """The first place at which the two differ, None where they do not."""
    if recorded == asked:
        return None
    if isinstance(recorded, dict) and isinstance(asked, dict):
        return _difference_of_objects(recorded, asked, where)
    if isinstance(recorded, list) and isinstance(asked, list):
        return _difference_of_lists(recorded, asked, where)
    if isinstance(recorded, str) and isinstance(asked, str):
        at = _first_other_character(recorded, asked)
        is_long = max(len(recorded), len(asked)) > 2 * _AROUND
        place = f"{where} (character {at})" if is_long else where
        return Difference(place, _excerpt(recorded, at), _excerpt(asked, at))
    return Difference(where, _short(recorded), _short(asked))


def nearest(asked: JsonValue, recorded: Sequence[JsonValue]) -> int | None:
    """The index of the recorded value that is most like `asked`, None where there is none."""
    if not recorded:
        return None
    wanted = _text(asked)
    roughly = [SequenceMatcher(None, _text(one), wanted).real_quick_ratio() for one in recorded]
    best = sorted(
        range(len(recorded)), key=lambda index: (-_equal_parts(asked, recorded[index]), -roughly[index])
    )
    return max(
        best[:_CANDIDATES],
        key=lambda index: (
            _equal_parts(asked, recorded[index]),
            SequenceMatcher(None, _text(recorded[index]), wanted, autojunk=False).quick_ratio(),
        ),
    )


def _equal_parts(one: JsonValue, other: JsonValue) -> int:
    """How many of the topmost parts (model, tools, …) are equal: a likeness that length does not drown."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return 0
    return sum(key in other and one[key] == other[key] for key in one)


def _text(value: JsonValue) -> str:
    if isinstance(value, str):
        return value[:_COMPARED]
    return json.dumps(value, ensure_ascii=False, sort_keys=True)[:_COMPARED]


def _difference_of_objects(
    recorded: dict[str, JsonValue], asked: dict[str, JsonValue], where: str
) -> Difference | None:
    for key in dict.fromkeys([*recorded, *asked]):
        place = f"{where}.{key}" if where else key
        if (key in recorded) != (key in asked):
            return Difference(place, _shown(recorded, key), _shown(asked, key))
        found = first_difference(recorded[key], asked[key], place)
        if found is not None:
            return found
    return None


def _difference_of_lists(recorded: list[JsonValue], asked: list[JsonValue], where: str) -> Difference:
    for number, (one, other) in enumerate(zip(recorded, asked, strict=False)):
        found = first_difference(one, other, f"{where}[{number}]")
        if found is not None:
            return found
    return Difference(f"the number of {where}", str(len(recorded)), str(len(asked)))


def _first_other_character(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def _excerpt(text: str, at: int) -> str:
    if len(text) <= 2 * _AROUND:
        return repr(text)
    begin, end = max(0, at - _AROUND), at + _AROUND
    return f"{'…' if begin else ''}{text[begin:end]!r}{'…' if end < len(text) else ''}"


def _shown(value: dict[str, JsonValue], key: str) -> str:
    return _short(value[key]) if key in value else "nothing"


def _short(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 3 * _AROUND else f"{text[: 3 * _AROUND]}…"
