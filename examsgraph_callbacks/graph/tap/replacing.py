"""Puts methods of ours in the place of a class's own, and takes them away again."""

from collections.abc import Callable, Iterator
from typing import Any, cast

__all__ = ["Method", "Replacement", "subclasses", "telling_of_subclasses"]

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


def subclasses(base: type) -> Iterator[type]:
    """Every class that derives from `base`, however far, once."""
    seen: set[type] = set()
    waiting: list[type] = base.__subclasses__()
    while waiting:
        owner = waiting.pop()
        if owner not in seen:
            seen.add(owner)
            waiting.extend(owner.__subclasses__())
            yield owner


def telling_of_subclasses(base: type, tell: Callable[[type], None]) -> Replacement:
    """Put, it has `tell` hear of every class that comes to derive from `base`."""
    of_base: Any = base  # mypy takes no class that is told only when it runs

    def wrap(_init_subclass: Method) -> Method:
        own = vars(base).get("__init_subclass__")

        def init_subclass(owner: Any, /, **kwargs: Any) -> None:
            inherited = super(of_base, owner).__init_subclass__ if own is None else own.__get__(None, owner)
            inherited(**kwargs)
            tell(owner)

        return cast("Method", classmethod(init_subclass))

    return Replacement(base, "__init_subclass__", wrap)
