"""Attaches a handler when LlamaIndex is first used: who only imports LlamaIndex need not import it too."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index_instrumentation import get_dispatcher
from pydantic import PrivateAttr

from examsgraph_callbacks.failures import failures

if TYPE_CHECKING:
    from examsgraph_callbacks.llama_index.handler import ExamsGraphEventHandler

__all__ = ["attach_at_first_span"]


def attach_at_first_span(make_handler: "Callable[[], ExamsGraphEventHandler]") -> Callable[[], None]:
    """Attach the handler that the first span makes, until what is returned is called.

    It is told of the first span too.
    """
    first = _FirstSpan(make_handler)
    get_dispatcher().add_span_handler(first)
    return first.stop


class _FirstSpan(BaseSpanHandler[BaseSpan]):
    """Waits for a span, and makes place for the real handler."""

    _make_handler: "Callable[[], ExamsGraphEventHandler] | None" = PrivateAttr()
    _handler: "ExamsGraphEventHandler | None" = PrivateAttr(default=None)
    _switching: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, make_handler: "Callable[[], ExamsGraphEventHandler]") -> None:
        super().__init__()
        self._make_handler = make_handler

    @classmethod
    def class_name(cls) -> str:
        return "ExamsGraphFirstSpan"

    def new_span(self, *_args: Any, **_about: Any) -> None:
        make_handler = self._make_handler
        if make_handler is None:
            return
        # outside of the lock: first spans may come at once, and a process may be forked meanwhile
        handler = _made(make_handler)
        with self._switching:
            if self._make_handler is make_handler:
                self._make_handler, self._handler = None, handler
                if handler is not None:
                    # the dispatcher is at its list of handlers: what is added to it is told of this span too
                    handler.attach()
                self._leave()

    def prepare_to_exit_span(self, *_args: Any, **_about: Any) -> None:
        """Not ours."""

    def prepare_to_drop_span(self, *_args: Any, **_about: Any) -> None:
        """Not ours."""

    def stop(self) -> None:
        """Listen no more, and neither does the handler."""
        with self._switching:
            self._make_handler = None
            self._leave()
            if self._handler is not None:
                self._handler.detach()

    def _leave(self) -> None:
        root = get_dispatcher()
        root.span_handlers = [handler for handler in root.span_handlers if handler is not self]


def _made(make_handler: "Callable[[], ExamsGraphEventHandler]") -> "ExamsGraphEventHandler | None":
    try:
        return make_handler()
    except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
        failures.report("listening to LlamaIndex", error)
        return None
