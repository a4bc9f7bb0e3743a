"""Long texts that stand in a recording once, however many facts hold them."""

from collections import OrderedDict
from collections.abc import Callable

from pydantic import JsonValue

__all__ = ["REFERENCE", "RecentTexts", "refers_to_texts", "with_references", "with_texts"]

REFERENCE = "$text"
"""The only key of the object that stands for a text; its value is the number of the text's line."""

SHORTEST = 120  # characters: a shorter text takes no more room than what would stand for it

_ESCAPED = "$literal"


def with_references(value: JsonValue, number_of: Callable[[str], int]) -> JsonValue:
    """`value` with each long text replaced by what stands for it; `number_of` puts a text on a line."""
    if isinstance(value, str):
        return {REFERENCE: number_of(value)} if len(value) >= SHORTEST else value
    if isinstance(value, list):
        return [with_references(item, number_of) for item in value]
    if isinstance(value, dict):
        copy = {key: with_references(item, number_of) for key, item in value.items()}
        # an application's own object of that very form must not be taken for ours
        return {_ESCAPED: copy} if value.keys() <= {REFERENCE, _ESCAPED} and value else copy
    return value


def refers_to_texts(line: bytes) -> bool:
    """Whether something in a fact's JSON may stand for a text; seldom true where nothing does."""
    return b'"$' in line


def with_texts(value: JsonValue, text_of: Callable[[int], str]) -> JsonValue:
    """What `with_references` was given; raises what `text_of` raises for a number that it does not know."""
    if isinstance(value, list):
        return [with_texts(item, text_of) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        number, escaped = value.get(REFERENCE), value.get(_ESCAPED)
        if isinstance(number, int):
            return text_of(number)
        if isinstance(escaped, dict):
            return {key: with_texts(item, text_of) for key, item in escaped.items()}
    return {key: with_texts(item, text_of) for key, item in value.items()}


class RecentTexts:
    """The texts that were read, or asked for, last; one that is kept no more is found again in the file.

    So that a recording needs no more memory the longer it is: a text stands before the first fact that refers
    to it, and one that many facts share is asked for again and again.
    """

    def __init__(self, characters: int, find: Callable[[int], str]) -> None:
        self._find = find
        self._texts: OrderedDict[int, str] = OrderedDict()
        self._characters_left = characters
        self._read: int = 0

    def add(self, number: int, text: str) -> None:
        """A text was read, on the line `number`."""
        self._read = max(self._read, number)
        self._texts[number] = text
        self._characters_left -= len(text)
        while self._characters_left < 0 and len(self._texts) > 1:
            _, oldest = self._texts.popitem(last=False)
            self._characters_left += len(oldest)

    def __getitem__(self, number: int) -> str:
        """The text of that line; raises `KeyError` where none was read there."""
        if number not in self._texts:
            if number > self._read:
                raise KeyError(number)
            self.add(number, self._find(number))
        self._texts.move_to_end(number)
        return self._texts[number]
