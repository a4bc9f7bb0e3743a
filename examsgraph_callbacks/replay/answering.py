"""From a recorded fact to how it is answered again: in which pieces, after which waits, with which error."""

import asyncio
import json
import re
import time
from functools import cache
from typing import Any

from pydantic import JsonValue

from examsgraph_callbacks.errors import RecordingError
from examsgraph_callbacks.events import LLMCall, RunFact

__all__ = ["Waits", "arguments_text", "failure_of", "pieces"]

_PIECE = re.compile(r"\s*\S+\s*|\s+")

_CUT_SHORT_BY_THE_HOST = frozenset({"GeneratorExit", "CancelledError", "UnfinishedRunError"})


class RecordedError(Exception):
    """What a recorded error is whose own class this process does not have, under that class's name."""


def pieces(text: str) -> list[str]:
    """The chunks in which a recorded text is streamed: a word each, with the space behind it.

    How the provider cut it is not on record; only that all chunks together were this text.
    """
    return _PIECE.findall(text)


def arguments_text(call: JsonValue) -> str:
    """The arguments of a recorded tool call as the JSON text in which a stream brings them."""
    arguments = call.get("args") if isinstance(call, dict) else None
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)


class Waits:
    """The pauses of a recorded call, stretched by `pace`: before its first piece, and before each other."""

    def __init__(self, call: RunFact, count: int, pace: float) -> None:
        first_ms = getattr(call, "time_to_first_token_ms", None) or (call.latency_ms if count <= 1 else 0.0)
        rest_ms = max(0.0, call.latency_ms - first_ms) / max(1, count - 1)
        self._seconds = [pace * first_ms / 1000, *([pace * rest_ms / 1000] * (count - 1))] if pace else []

    def before(self, number: int) -> None:
        """Wait as long as was waited for piece `number`."""
        if number < len(self._seconds):
            time.sleep(self._seconds[number])

    async def abefore(self, number: int) -> None:
        """The same, awaited."""
        if number < len(self._seconds):
            await asyncio.sleep(self._seconds[number])


def failure_of(fact: RunFact) -> BaseException | None:
    """The error with which a recorded run ended, None where it ended well.

    It is of the recorded class where this process has that loaded (without what only a live answer carries,
    such as `response`), else of one of the same name. Where the application itself cut the run short,
    nothing is known of how it would have gone on: that is a `RecordingError`.
    """
    if fact.error_type is None:
        return None
    message = fact.error_message or ""
    if fact.error_type in _CUT_SHORT_BY_THE_HOST:
        what = "call" if isinstance(fact, LLMCall) else "run"
        return RecordingError(
            f"expected a {what} that was recorded to its end, found {fact.event_id}, which the application "
            f"cut short ({fact.error_type}): record it again",
        )
    kind = _error_class(fact.error_type, getattr(fact, "provider", None))
    try:
        return _told(kind, fact.error_type, message)
    except TypeError:
        # of a class that none can be derived from
        return _told(RecordedError, fact.error_type, message)


def _told(kind: type[Exception], name: str, message: str) -> Exception:
    """An error of that kind and message, made past its constructor, which may ask for a live response."""
    recorded: Any = _recorded_class(kind, name)  # type: ignore[arg-type]  # a class has a hash
    error: Exception = recorded.__new__(recorded)
    error.args = (message,)
    return error


@cache
def _recorded_class(kind: Any, name: str) -> Any:
    return type(name, (kind,), {"__module__": __name__, "__str__": lambda error: str(error.args[0])})


def _error_class(name: str, provider: str | None) -> type[Exception]:
    """The class of that name that is loaded, of several the provider's, else Python's own."""

    def distance(kind: type[Exception]) -> tuple[bool, bool, str]:
        is_strange = provider is None or provider not in kind.__module__
        return is_strange, kind.__module__ != "builtins", kind.__module__

    found = sorted((kind for kind in _subclasses(Exception) if kind.__name__ == name), key=distance)
    return found[0] if found else RecordedError


def _subclasses(base: type[Exception]) -> set[type[Exception]]:
    found: set[type[Exception]] = set()
    waiting = base.__subclasses__()
    while waiting:
        kind = waiting.pop()
        if kind not in found and kind.__module__ != __name__:
            found.add(kind)
            waiting.extend(kind.__subclasses__())
    return found
