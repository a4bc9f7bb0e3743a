"""Recorded answers by what was asked: of equal questions, each answer is given once, in their order."""

import threading
from collections import defaultdict, deque
from typing import Generic, TypeVar

__all__ = ["Occurrences"]

AnswerT = TypeVar("AnswerT")


class Occurrences(Generic[AnswerT]):
    """Answers, each under one or several keys; safe in threads."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[int]] = defaultdict(deque)
        self._recorded: defaultdict[str, int] = defaultdict(int)
        self._answers: list[AnswerT] = []
        self._given: set[int] = set()
        self._lock = threading.Lock()

    def add(self, answer: AnswerT, *keys: str) -> None:
        """One more answer to what these keys stand for."""
        for key in keys:
            self._waiting[key].append(len(self._answers))
            self._recorded[key] += 1
        self._answers.append(answer)

    def recorded(self, key: str) -> int:
        """How many answers there are to `key`, given or not."""
        return self._recorded.get(key, 0)

    def take(self, key: str) -> AnswerT | None:
        """The next answer to `key` that was not given yet, under whichever key; None where there is none."""
        with self._lock:
            waiting = self._waiting.get(key, deque())
            while waiting:
                number = waiting.popleft()
                if number not in self._given:
                    self._given.add(number)
                    return self._answers[number]
        return None
