"""Redaction of everything that a value holds: every text and key; where it fails, nothing leaks."""

import re
from collections.abc import Iterable
from functools import lru_cache

from examsgraph_callbacks.capture.content import plain
from examsgraph_callbacks.capture.redaction import Redact, is_clean, redact_text
from examsgraph_callbacks.events import Message, Request, RetrievedDocument
from examsgraph_callbacks.failures import failures

__all__ = ["REDACTION_FAILED", "Redactor"]

REDACTION_FAILED = "[REDACTION_FAILED]"

_CREDENTIAL = re.compile(r"(?i:api[_-]?key|authorization)\Z")

_OUR_KEYS = frozenset({*Message.model_fields, *Request.model_fields, *RetrievedDocument.model_fields})
"""By which content is put together; they are no secret, and a fact without them no fact."""

_FIGURES = frozenset({bool, float, int, type(None)})

_REMEMBERED = 4096
_plain_keys: set[str] = set(_OUR_KEYS)
"""Keys that were seen to be no secret and to name none: they come again and again."""


class Redactor:
    """Applies `redact` to every text of a JSON value.

    A `redact` that raises, or gives no text, costs the text (`[REDACTION_FAILED]`) and not the fact; it is
    counted and logged as a failure.
    """

    def __init__(self, redact: Redact) -> None:
        self._is_ours = redact is redact_text
        # ours does not fail, and is called for every key: it goes without the guard
        self.text: Redact = redact if self._is_ours else _guarded(redact)

    def fields(self, fields: dict[str, object], names: Iterable[str]) -> dict[str, object]:
        """The fields with those of these names redacted; the same object where there is nothing to redact."""
        present = [name for name in names if name in fields]
        # nearly always there is none, and to see that in all texts at once takes a third of the time
        if self._is_ours and _all_clean([fields[name] for name in present]):
            return fields
        redacted = {name: self.value(fields[name]) for name in present}
        changed = {name: value for name, value in redacted.items() if value != fields[name]}
        return {**fields, **changed} if changed else fields

    def value(self, value: object) -> object:
        """The value with all texts in it redacted, keys too."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, (float, int)):
            return value
        if isinstance(value, dict):
            return {self._key(key): self._item(key, item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)([self.value(item) for item in value])
        # nothing but JSON is expected here: what is not would take its text along unseen
        return self.value(plain(value))

    def _key(self, key: str) -> str:
        return key if key in _OUR_KEYS else self.text(key)

    def _item(self, key: str, item: object) -> object:
        if isinstance(item, str) and _names_a_credential(key):
            # as it would stand in a text: a value alone does not tell that it is one
            name = f"{key}: "
            return self.text(name + item).removeprefix(name)
        return self.value(item)


def _all_clean(values: list[object]) -> bool:
    texts: list[str] = []
    return _gather(values, texts) and is_clean("\n".join(texts))


def _gather(values: Iterable[object], texts: list[str]) -> bool:
    """Collect all texts of JSON values; False where there is more to see than texts."""
    for value in values:
        kind = value.__class__
        if kind is str:
            texts.append(value)  # type: ignore[arg-type]  # what its class is, isinstance asks more slowly
        elif kind in _FIGURES:
            continue
        elif isinstance(value, dict):
            if not ((_plain_keys.issuperset(value) or _are_plain(value)) and _gather(value.values(), texts)):
                return False
        elif not (isinstance(value, (list, tuple)) and _gather(value, texts)):
            return False
    return True


def _are_plain(keys: Iterable[str]) -> bool:
    for key in keys:
        if not is_clean(key) or _names_a_credential(key):
            return False
        if len(_plain_keys) < _REMEMBERED:
            _plain_keys.add(key)
    return True


def _guarded(redact: Redact) -> Redact:
    def text(text: str) -> str:
        try:
            redacted: object = redact(text)
        except Exception as error:  # noqa: BLE001 - whatever a caller's function raises
            # its kind only: the message may quote what was to be redacted
            failures.report("redacting", type(error).__name__)
            return REDACTION_FAILED
        if isinstance(redacted, str):
            return redacted
        failures.report("redacting", f"expected text, got {type(redacted).__name__}")
        return REDACTION_FAILED

    return text


@lru_cache(maxsize=1024)
def _names_a_credential(key: str) -> bool:
    return _CREDENTIAL.search(key) is not None
