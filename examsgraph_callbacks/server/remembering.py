"""Remembers answers, so that many who look at one page cost one question, and a large journal no more."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from examsgraph_callbacks.server.together import retrieved

__all__ = ["Remembered"]

AnswerT = TypeVar("AnswerT")

_MOST_BYTES = 32 * 1024 * 1024
_BESIDE_BYTES = 4096
"""What an answer takes beside its own bytes, with what was asked: so there are 8,192 at the most."""

_REST = 20.0
"""An answer that took a second holds for 20, whatever comes meanwhile: a question takes 5 % of the time."""


@dataclass(frozen=True, slots=True)
class _Kept(Generic[AnswerT]):
    answer: AnswerT
    mark: str
    since: float
    seconds: float
    size: int


class Remembered(Generic[AnswerT]):
    """Answers by what was asked; `mark` tells whether what they were worked out of is still the same.

    Of more than `most_bytes` those that were asked for last stay; `size_of` tells an answer's bytes.
    """

    def __init__(
        self,
        size_of: Callable[[AnswerT], int],
        most_bytes: int = _MOST_BYTES,
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._size_of = size_of
        self._most_bytes = most_bytes
        self._monotonic_seconds = monotonic_seconds
        self._kept: OrderedDict[Hashable, _Kept[AnswerT]] = OrderedDict()
        self._running: dict[Hashable, asyncio.Task[_Kept[AnswerT]]] = {}
        self.bytes = 0

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
            running.add_done_callback(retrieved)
        # one who gives up must not take it from the others
        found = await asyncio.shield(running)
        return found.answer, found.mark != mark

    async def _work(
        self, asked: Hashable, mark: str, work: Callable[[], Awaitable[AnswerT]]
    ) -> _Kept[AnswerT]:
        began = self._monotonic_seconds()
        answer = await work()
        ended = self._monotonic_seconds()
        kept = _Kept(answer, mark, ended, ended - began, self._size_of(answer) + _BESIDE_BYTES)
        self._keep(asked, kept)
        return kept

    def _keep(self, asked: Hashable, kept: _Kept[AnswerT]) -> None:
        before = self._kept.pop(asked, None)
        # what is worked out anew was asked for last, too
        self._kept[asked] = kept
        self.bytes += kept.size - (before.size if before else 0)
        while self.bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= oldest.size
