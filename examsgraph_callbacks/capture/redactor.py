"""Redaction of everything that a value holds: every text and key; where it fails, nothing leaks."""

from collections.abc import Sequence

from examsgraph_callbacks.capture.clean import OUR_KEYS, all_clean
from examsgraph_callbacks.capture.content import plain
from examsgraph_callbacks.capture.named import VALUE_KEYS, names_a_credential, pair_named, placeholder_of
from examsgraph_callbacks.capture.redaction import Redact, redact_text
from examsgraph_callbacks.failures import failures

__all__ = ["REDACTION_FAILED", "Redactor"]

REDACTION_FAILED = "[REDACTION_FAILED]"


class Redactor:
    """Applies `redact` to every text of a JSON value.

    A `redact` that raises, or gives no text, costs the text (`[REDACTION_FAILED]`) and not the fact; it is
    counted and logged as a failure.
    """

    def __init__(self, redact: Redact) -> None:
        self._is_ours = redact is redact_text
        # ours does not fail, and is called for every key: it goes without the guard
        self.text: Redact = redact if self._is_ours else _guarded(redact)

    def fields(self, fields: dict[str, object], names: Sequence[str]) -> dict[str, object]:
        """The fields with those of these names redacted; the same object where there is nothing to redact."""
        # nearly always there is none, and to see that in all texts at once takes a third of the time
        if self._is_ours and all_clean(fields, names):
            return fields
        redacted = {name: self.value(fields[name]) for name in names if name in fields}
        changed = {name: value for name, value in redacted.items() if value != fields[name]}
        return {**fields, **changed} if changed else fields

    def value(self, value: object) -> object:
        """The value with all texts in it redacted, keys too."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, (float, int)):
            return value
        if isinstance(value, dict):
            return self._mapping(value)
        if isinstance(value, (list, tuple)):
            return type(value)([self.value(item) for item in value])
        # nothing but JSON is expected here: what is not would take its text along unseen
        return self.value(plain(value))

    def _key(self, key: str) -> str:
        return key if key in OUR_KEYS else self.text(key)

    def _mapping(self, value: dict[str, object]) -> dict[str, object]:
        copy: dict[str, object] = {}
        named = pair_named(value) if not VALUE_KEYS.isdisjoint(value) else None
        for key, item in value.items():
            name = self._key(key)
            # two addresses are one placeholder, and what stands under both is to stay
            while name in copy:
                name = f"{name} {len(copy) + 1}"
            copy[name] = self._item(named if named and key in VALUE_KEYS else key, item)
        return copy

    def _item(self, key: str, item: object) -> object:
        if isinstance(item, (list, tuple)) and names_a_credential(key):
            # as libraries keep headers, which may come more than once
            return type(item)([self._item(key, each) for each in item])
        if isinstance(item, str) and names_a_credential(key):
            # as it would stand in a text: a value alone does not tell that it is one
            name = f"{key}: "
            redacted = self.text(name + item).removeprefix(name)
            return placeholder_of(key, item) or redacted if self._is_ours else redacted
        return self.value(item)


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
