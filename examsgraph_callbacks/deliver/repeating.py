"""Repeats requests that MLflow may get twice, where a network or a busy server swallowed the first."""

import time
from collections.abc import Callable
from typing import TypeVar

from examsgraph_callbacks.deliver.answers import REFUSALS, is_overloaded, status_of, timed_out

__all__ = ["repeated"]

_PAUSES_SECONDS = (0.1, 0.2, 0.4)
_ANSWERS = REFUSALS | {404}

T = TypeVar("T")


def repeated(request: Callable[[], T]) -> T:
    """The result of `request`, which is tried four times within a second.

    Only for what changes nothing the second time. Raises its last error; at once where MLflow refuses it
    or does not have it, asks to be left alone, or was waited for in vain.
    """
    from mlflow.exceptions import MlflowException

    for pause in _PAUSES_SECONDS:
        try:
            return request()
        except (MlflowException, OSError) as error:
            if status_of(error) in _ANSWERS or is_overloaded(error) or timed_out(error):
                raise
        time.sleep(pause)
    return request()
