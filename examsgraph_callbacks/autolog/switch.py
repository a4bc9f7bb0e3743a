"""`autolog()`: one call, and LangChain, LlamaIndex and OpenAI's embeddings are recorded in this process."""

from __future__ import annotations

import os
from _thread import allocate_lock  # threading takes longer to import than all the rest here

from examsgraph_callbacks.autolog.imports import ImportWatch
from examsgraph_callbacks.autolog.libraries import LISTENERS

TYPE_CHECKING = False  # as in typing, which is itself too heavy here
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from examsgraph_callbacks.autolog.libraries import Source, Stop
    from examsgraph_callbacks.capture import Redact
    from examsgraph_callbacks.journal import Journal

__all__ = ["autolog", "autolog_from_environment"]


def autolog(
    journal: Journal | str | Path | None = None,
    *,
    user_id: str | None = None,
    session_id: str | None = None,
    task_type: str | None = None,
    redact: Redact | None = None,
    disable: bool = False,
) -> None:
    """Record everything from now on, in all threads and tasks, with no handler attached anywhere.

    Every LangChain and LlamaIndex run becomes the facts that an attached handler would write, and
    every embedding call of OpenAI's client becomes one too, and so do the paths that retrievers take
    through Neo4j, whether a library is imported already or later. A LangChain run that has a handler
    attached by hand is left to that one. The arguments mean what they mean to
    `ExamsGraphCallbackHandler`.

    Calling it again changes the arguments, and nothing if they are the same. `disable=True` undoes it
    all: the libraries' classes are as they were. Raises `InvalidInputError`, and changes nothing, where
    the journal's place is a file, a default is not text or `EXAMSGRAPH_USER_KEY` is no key.
    """
    if disable:
        _switch(None)
        return
    from examsgraph_callbacks.capture import Privacy
    from examsgraph_callbacks.capture.context import checked
    from examsgraph_callbacks.journal import Journal

    Privacy.configured()
    checked({"user_id": user_id, "session_id": session_id, "task_type": task_type})
    place = journal if isinstance(journal, Journal) else Journal(journal)
    source: Source = {
        "journal": place.path,
        "user_id": user_id,
        "session_id": session_id,
        "task_type": task_type,
    }
    _switch(source if redact is None else {**source, "redact": redact})


def autolog_from_environment() -> None:
    """The same for an application that does not call it: all is as `EXAMSGRAPH_*` variables say.

    Imports nothing, and reads no variable but the recording to replay, before one of the libraries is
    imported.
    """
    place = os.environ.get("EXAMSGRAPH_REPLAY")
    if place:
        from examsgraph_callbacks.autolog.replaying import answer_from_environment

        answer_from_environment(place)
    _switch({})


class _Autolog:
    """Listens to each library from its import on."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._stops: list[Stop] = []
        self._watch = ImportWatch({module: self._when_imported(module) for module in LISTENERS})

    def start(self) -> None:
        self._watch.start()

    def stop(self) -> None:
        self._watch.stop()
        while self._stops:
            self._stops.pop()()

    def _when_imported(self, module: str) -> Callable[[], None]:
        def listen() -> None:
            try:
                self._stops.append(LISTENERS[module](self.source))
            except Exception as error:  # noqa: BLE001 - whatever it is, the host's import must not see it
                from examsgraph_callbacks.failures import failures

                failures.report(f"listening to {module}", error)

        return listen


_current: _Autolog | None = None
_lock = allocate_lock()


def _switch(source: Source | None) -> None:
    global _current  # noqa: PLW0603 - a process is recorded once, or not at all
    with _lock:
        if _current is not None:
            if _current.source == source:
                return
            _current.stop()
        _current = None if source is None else _Autolog(source)
        if _current is not None:
            _current.start()
