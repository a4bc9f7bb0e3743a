"""Redaction of everything that a value holds: every text and key; where it fails, nothing leaks."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeVar

from pydantic import BaseModel

from examsgraph_callbacks.capture.content import plain
from examsgraph_callbacks.capture.redaction import Redact, redact_text
from examsgraph_callbacks.failures import failures

__all__ = ["REDACTION_FAILED", "Redactor"]

REDACTION_FAILED = "[REDACTION_FAILED]"

_CREDENTIAL = re.compile(r"(?i:api[_-]?key|authorization)\Z")

_FIGURES = frozenset({bool, float, int, type(None)})

ModelT = TypeVar("ModelT", bound=BaseModel)


class Redactor:
    """Applies `redact` to every text of a value, or of a model, which stays the same object where it can.

    A `redact` that raises, or gives no text, costs the text (`[REDACTION_FAILED]`) and not the fact; it is
    counted and logged as a failure.
    """

    def __init__(self, redact: Redact) -> None:
        # ours does not fail, and is called for every key: it goes without the guard
        self.text: Redact = redact if redact is redact_text else _guarded(redact)

    def model(self, model: ModelT, names: Iterable[str]) -> ModelT:
        """The model with its fields of these names redacted."""
        fields = vars(model)
        changed: dict[str, object] = {}
        for name in names:
            value = fields[name]
            if value and (redacted := self.value(value)) is not value and redacted != value:
                changed[name] = redacted
        return model.model_copy(update=changed) if changed else model

    def value(self, value: object) -> object:
        """A JSON value, or models, with all texts in it redacted, keys too (but not models' fields)."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, (float, int)):
            return value
        if isinstance(value, dict):
            return {
                self.text(key): item if item.__class__ in _FIGURES else self._item(key, item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return self._other(value)

    def _other(self, value: object) -> object:
        if isinstance(value, tuple):
            return tuple([self.value(item) for item in value])
        if isinstance(value, BaseModel):
            return self.model(value, vars(value))
        # nothing but JSON is expected here: what is not would take its text along unseen
        return self.value(plain(value))

    def _item(self, key: str, item: object) -> object:
        if isinstance(item, str) and _names_a_credential(key):
            # as it would stand in a text: a value alone does not tell that it is one
            name = f"{key}: "
            return self.text(name + item).removeprefix(name)
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


@lru_cache(maxsize=1024)
def _names_a_credential(key: str) -> bool:
    return _CREDENTIAL.search(key) is not None
