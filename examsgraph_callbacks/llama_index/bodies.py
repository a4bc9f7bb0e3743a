"""Spans that have ended before their work began: they returned a generator, whose body is still to run.

A streaming query engine calls its model when its answer is read, long after its own span has ended;
so do LLMs whose asynchronous stream wraps their synchronous one. Which span's work is running then is
nowhere recorded, but it stands on the stack: the generator's frame.
"""

import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import AsyncGeneratorType, FrameType, GeneratorType
from typing import TypeAlias
from uuid import UUID

from llama_index_instrumentation.dispatcher import Dispatcher

__all__ = ["Bodies", "Body"]

Body: TypeAlias = "GeneratorType[object, object, object] | AsyncGeneratorType[object, object]"

_DISPATCHER_FILE = Dispatcher.span_enter.__code__.co_filename


@dataclass(frozen=True, slots=True)
class _Open:
    run_id: UUID
    trace_id: str
    body: "weakref.ref[Body]"
    frame_id: int


class Bodies:
    """The generators that spans returned, as long as they live; each is told of once when it is gone."""

    def __init__(self, when_gone: Callable[[UUID, str], None]) -> None:
        self._when_gone = when_gone
        self._by_run: dict[UUID, _Open] = {}
        self._by_frame: dict[int, _Open] = {}

    def __len__(self) -> int:
        return len(self._by_run)

    def add(self, run_id: UUID, trace_id: str, body: Body) -> None:
        """The span `run_id` returned `body`; when that is gone, `when_gone(run_id, trace_id)` is called."""
        # by its address: a reference to the frame would keep all its variables alive
        opened = _Open(run_id, trace_id, weakref.ref(body), id(_frame_of(body)))
        self._by_run[run_id] = self._by_frame[opened.frame_id] = opened
        weakref.finalize(body, self._gone, opened).atexit = False

    def discard(self, run_id: UUID) -> None:
        """The work of that span is done, however long its generator is kept."""
        opened = self._by_run.pop(run_id, None)
        if opened is not None and self._by_frame.get(opened.frame_id) is opened:
            del self._by_frame[opened.frame_id]

    def discard_trace(self, trace_id: str) -> list[UUID]:
        """The same for all spans of a trace, which are returned."""
        # the values alone: a list of pairs takes memory as it goes, and so may be collected into, and change
        opened_now = list(self._by_run.values())
        spans = [opened.run_id for opened in opened_now if opened.trace_id == trace_id]
        for run_id in spans:
            self.discard(run_id)
        return spans

    def of_trace(self, trace_id: str) -> bool:
        """Whether any body of that trace may still run."""
        return any(
            opened.trace_id == trace_id
            and (body := opened.body()) is not None
            and _frame_of(body) is not None
            for opened in list(self._by_run.values())
        )

    def running(self) -> UUID | None:
        """The span in whose body the span that is being entered runs, if it is nearer than any other."""
        if not self._by_frame:
            return None
        frame = _above_the_dispatcher(sys._getframe())  # noqa: SLF001 - inspect.currentframe's own way
        while frame is not None and frame.f_code.co_filename != _DISPATCHER_FILE:
            opened = self._by_frame.get(id(frame))
            if opened is not None and (body := opened.body()) is not None and _frame_of(body) is frame:
                return opened.run_id
            frame = frame.f_back
        return None

    def _gone(self, opened: _Open) -> None:
        self.discard(opened.run_id)
        self._when_gone(opened.run_id, opened.trace_id)


def _above_the_dispatcher(frame: FrameType | None) -> FrameType | None:
    """The code that called the method that is spanned."""
    while frame is not None and frame.f_code.co_filename != _DISPATCHER_FILE:
        frame = frame.f_back
    while frame is not None and frame.f_code.co_filename == _DISPATCHER_FILE:
        frame = frame.f_back
    return frame


def _frame_of(body: Body) -> FrameType | None:
    frame: FrameType | None = body.gi_frame if isinstance(body, GeneratorType) else body.ag_frame
    return frame
