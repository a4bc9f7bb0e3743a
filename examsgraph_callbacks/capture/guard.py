"""The wall between our failures and the host's chain."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from examsgraph_callbacks.failures import failures

__all__ = ["guarded"]

Arguments = ParamSpec("Arguments")


def guarded(callback: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """The callback, whose exceptions are counted and logged instead of reaching the host."""

    @wraps(callback)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
            failures.report(callback.__qualname__, error)

    return call
