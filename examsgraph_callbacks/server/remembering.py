"""Remembers answers, so that many who look at one page cost one question, and a large journal no more."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Remembered"]

AnswerT = TypeVar("AnswerT")

_ANSWERS = 128
_REST = 20.0
"""An answer that took a second holds for 20, whatever comes meanwhile: a question takes 5 % of the time."""


@dataclass(frozen=True, slots=True)
class _Kept(Generic[AnswerT]):
    answer: AnswerT
    mark: str
    since: float
    seconds: float


class Remembered(Generic[AnswerT]):
    """Answers by what was asked; `mark` tells whether what they were worked out of is still the same."""

    def __init__(self, monotonic_seconds: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_seconds = monotonic_seconds
        self._kept: OrderedDict[Hashable, _Kept[AnswerT]] = OrderedDict()
        self._running: dict[Hashable, asyncio.Task[AnswerT]] = {}

    async def get(
        self, asked: Hashable, mark: str, work: Callable[[], Awaitable[AnswerT]]
    ) -> tuple[AnswerT, bool]:
        """The answer as remembered, or as `work` gives it now, and whether it is behind `mark`.

        Who asks meanwhile waits for the same work.
        """
        kept = self._kept.get(asked)
        if kept is not None:
            age = self._monotonic_seconds() - kept.since
            if kept.mark == mark or age < _REST * kept.seconds:
                self._kept.move_to_end(asked)
                return kept.answer, kept.mark != mark
        running = self._running.get(asked)
        if running is None:
            running = asyncio.ensure_future(self._work(asked, mark, work))
            self._running[asked] = running
            running.add_done_callback(lambda _task: self._running.pop(asked, None))
        # one who gives up must not take it from the others
        answer = await asyncio.shield(running)
        return answer, self._kept[asked].mark != mark if asked in self._kept else True

    async def _work(self, asked: Hashable, mark: str, work: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        began = self._monotonic_seconds()
        answer = await work()
        ended = self._monotonic_seconds()
        self._kept[asked] = _Kept(answer, mark, ended, ended - began)
        # what is worked out anew was asked for last, too
        self._kept.move_to_end(asked)
        if len(self._kept) > _ANSWERS:
            self._kept.popitem(last=False)
        return answer
