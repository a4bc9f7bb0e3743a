"""Puts methods of ours in the place of a class's own, and takes them away again."""

from collections.abc import Callable
from typing import Any

__all__ = ["Method", "Replacement"]

Method = Callable[..., Any]


class Replacement:
    """A method of `owner`, with what `wrap` makes of it in its place while it is put."""

    def __init__(self, owner: type, name: str, wrap: Callable[[Method], Method]) -> None:
        self._owner = owner
        self._name = name
        self._wrap = wrap
        self._ours: Method | None = None
        self._own: Method | None = None  # None where the class inherits it

    def put(self) -> None:
        """Put ours; where it is already, if only within somebody else's, nothing changes."""
        current = vars(self._owner).get(self._name)
        if self._ours is None or current is self._own:
            self._own = current
            self._ours = self._wrap(getattr(self._owner, self._name))
            setattr(self._owner, self._name, self._ours)

    def take_away(self) -> bool:
        """Put back what was there; returns whether ours is gone.

        If somebody else has wrapped it since, theirs stays, with ours inside.
        """
        if self._ours is None:
            return True
        if vars(self._owner).get(self._name) is not self._ours:
            return False
        if self._own is None:
            delattr(self._owner, self._name)
        else:
            setattr(self._owner, self._name, self._own)
        self._ours = None
        return True
