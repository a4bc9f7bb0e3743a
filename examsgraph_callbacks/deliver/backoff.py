"""How long to leave an MLflow alone that does not take what is delivered."""

import random
from collections.abc import Callable

__all__ = ["Backoff"]

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
LONGEST_WHILE_IT_ANSWERS_SECONDS = 5.0
LONGEST_ASKED_FOR_SECONDS = 3600.0


class Backoff:
    """Pauses that double from 1 s to 60 s, each shortened by up to a half by chance.

    So shippers that failed together do not come back together. `chance` gives a number from 0 to 1.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._pause = FIRST_SECONDS

    def next_pause(self, asked_for_seconds: float | None = None, *, answers: bool = False) -> float:
        """Seconds until the next try; no fewer than MLflow asked for, up to an hour.

        An MLflow that `answers`, and took some of what it was sent, is tried again after 5 s at the latest.
        """
        longest = LONGEST_WHILE_IT_ANSWERS_SECONDS if answers else LONGEST_SECONDS
        pause = min(self._pause, longest) * (1 - self._chance() / 2)
        self._pause = min(2 * self._pause, longest)
        return max(pause, min(asked_for_seconds or 0, LONGEST_ASKED_FOR_SECONDS))

    def succeeded(self) -> None:
        """Begin again with the shortest pause."""
        self._pause = FIRST_SECONDS
