"""One handler on every run of LangChain's in this process, in whatever thread or task it runs."""

import threading
from abc import ABCMeta
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, cast

from langchain_core.tracers.context import register_configure_hook

from examsgraph_callbacks.failures import failures

if TYPE_CHECKING:
    from langchain_core.callbacks import BaseCallbackHandler

    from examsgraph_callbacks.langchain.handler import ExamsGraphCallbackHandler

__all__ = ["attach_everywhere"]


def attach_everywhere(make_handler: "Callable[[], ExamsGraphCallbackHandler]") -> Callable[[], None]:
    """Attach a handler to every run that begins from now on, until what is returned is called.

    It is made by the first run. A run that has a handler of this package already, its own or one from
    the run above, keeps that one. Only one handler is attached everywhere, the last.
    """
    _register_once()
    _everywhere.attach(make_handler)
    return _everywhere.detach


class _Everywhere:
    """Stands in for the context variable that LangChain asks for a handler.

    A context variable set in one thread says nothing in another that did not copy the context. And
    while LangChain is being imported, it is too early to import the handler.
    """

    def __init__(self) -> None:
        self._make_handler: Callable[[], ExamsGraphCallbackHandler] | None = None
        self._handler: ExamsGraphCallbackHandler | None = None
        self._lock = threading.Lock()

    def attach(self, make_handler: "Callable[[], ExamsGraphCallbackHandler]") -> None:
        with self._lock:
            self._make_handler, self._handler = make_handler, None

    def detach(self) -> None:
        with self._lock:
            self._make_handler = self._handler = None

    def get(self) -> "ExamsGraphCallbackHandler | None":
        """The handler, None when detached: what LangChain asks at every run."""
        make_handler = self._make_handler
        if make_handler is not None:
            # outside of the lock: first runs may come at once, and a process may be forked meanwhile
            handler = _made(make_handler)
            with self._lock:
                if self._make_handler is make_handler:
                    self._make_handler, self._handler = None, handler
        return self._handler


def _made(make_handler: "Callable[[], ExamsGraphCallbackHandler]") -> "ExamsGraphCallbackHandler | None":
    try:
        from examsgraph_callbacks.langchain.handler import ExamsGraphCallbackHandler

        _AnyHandler.register(ExamsGraphCallbackHandler)
        return make_handler()
    except Exception as error:  # noqa: BLE001 - whatever it is, the host's run must not see it
        failures.report("listening to LangChain", error)
        return None


class _AnyHandler(metaclass=ABCMeta):  # noqa: B024 - its classes are registered, not derived
    """Every `ExamsGraphCallbackHandler`, once there is one: a run that has one keeps it."""

    def __new__(cls) -> "BaseCallbackHandler":  # type: ignore[misc]
        # LangChain makes one itself if it is detached in the very moment of being asked
        from langchain_core.callbacks import BaseCallbackHandler

        return BaseCallbackHandler()


_everywhere = _Everywhere()


@cache
def _register_once() -> None:
    # LangChain asks every hook at every run and takes none back: detached, this one stays and answers None
    register_configure_hook(
        cast("ContextVar[BaseCallbackHandler | None]", _everywhere),
        # LangGraph runs its nodes under the callbacks that they inherit, without asking the hooks
        inheritable=True,
        handle_class=cast("type[BaseCallbackHandler]", _AnyHandler),
    )
