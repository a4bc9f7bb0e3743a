"""The LlamaIndex handler: every LLM call, embedding call, retrieval, tool call and turn becomes a fact."""

from inspect import BoundArguments
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.exception import ExceptionEvent
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatInProgressEvent,
    LLMCompletionEndEvent,
    LLMCompletionInProgressEvent,
)
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index_instrumentation import get_dispatcher

from examsgraph_callbacks.capture import (
    Clock,
    Privacy,
    Recorder,
    Redact,
    guarded,
    know_surroundings,
    redact_text,
)
from examsgraph_callbacks.capture.context import checked
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.llama_index.kinds import Span
from examsgraph_callbacks.llama_index.spans import Spans
from examsgraph_callbacks.llama_index.surroundings import surrounding_run
from examsgraph_callbacks.settings import current_settings

__all__ = ["ExamsGraphEventHandler"]


class ExamsGraphEventHandler(BaseEventHandler):
    """Attach one to all that LlamaIndex does in this process; sync, async and streaming.

    ```python
    handler = ExamsGraphEventHandler()
    handler.attach()                      # until handler.detach(), or
    with ExamsGraphEventHandler():        # for the length of a block
        query_engine.query("…")
    ```

    `journal` is a `Journal`, its path, or None for the configured place. `user_id`, `session_id` and
    `task_type` hold where neither `tutoring()` nor LlamaIndex's `instrument_tags()` says otherwise.
    `redact` is applied to every text before it is recorded, instead of `redact_text`: one that adds to
    that calls it. Raises `InvalidInputError` where the journal's place is a file, a default is not text
    or `EXAMSGRAPH_USER_KEY` is no key; nothing that happens later reaches the application.
    """

    def __init__(
        self,
        journal: Journal | str | Path | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        task_type: str | None = None,
        *,
        redact: Redact = redact_text,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        # declared nowhere: it takes pydantic 2 µs to find a private attribute that it knows of
        self._journal = journal if isinstance(journal, Journal) else Journal(journal)
        defaults = checked({"user_id": user_id, "session_id": session_id, "task_type": task_type})
        self._recorder = Recorder(self._journal, defaults, clock or Clock(), Privacy.configured(redact))
        know_surroundings(surrounding_run)
        settings = current_settings()
        self._spans = Spans(
            self._recorder, settings.document_limit, capture_embeddings=settings.capture_embeddings
        )
        self._span_handler = _SpanHandler(self._spans)

    @property
    def journal(self) -> Journal:
        """Where the facts are written."""
        return self._journal

    @property
    def open_runs(self) -> int:
        """How many runs have begun and not ended."""
        return len(self._recorder)

    def attach(self) -> Self:
        """Listen to every span and event of this process; doing so again changes nothing."""
        root = get_dispatcher()
        if not any(handler is self for handler in root.event_handlers):
            root.add_event_handler(self)
            root.add_span_handler(self._span_handler)
        return self

    def detach(self) -> None:
        """Listen no more: detach when the last answer has been read, for what is open stays open."""
        root = get_dispatcher()
        root.event_handlers = [handler for handler in root.event_handlers if handler is not self]
        root.span_handlers = [handler for handler in root.span_handlers if handler is not self._span_handler]

    def __enter__(self) -> Self:
        return self.attach()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.detach()

    @classmethod
    def class_name(cls) -> str:
        return "ExamsGraphEventHandler"

    @guarded
    def handle(self, event: BaseEvent, **_about: Any) -> None:
        # the rest of an LLM call's story is told by its span; a stream's only by its events
        if event.span_id is None:
            return
        if isinstance(event, LLMChatInProgressEvent | LLMCompletionInProgressEvent):
            self._spans.progressed(event.span_id, event.response)
        elif isinstance(event, LLMChatEndEvent | LLMCompletionEndEvent):
            self._spans.finished(event.span_id)
        elif isinstance(event, ExceptionEvent):
            self._spans.failed(event.span_id, event.exception)


class _SpanHandler(BaseSpanHandler[BaseSpan]):
    """Passes spans on and keeps none, where LlamaIndex's own handlers keep all for ever."""

    def __init__(self, spans: Spans) -> None:
        super().__init__()
        self._spans = spans

    @classmethod
    def class_name(cls) -> str:
        return "ExamsGraphSpanHandler"

    @guarded
    def new_span(
        self,
        id_: str,
        bound_args: BoundArguments,
        instance: Any | None = None,
        parent_span_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **_about: Any,
    ) -> None:
        self._spans.enter(Span(id_, bound_args, instance, parent_span_id, tags))

    @guarded
    def prepare_to_exit_span(
        self,
        id_: str,
        bound_args: BoundArguments,  # noqa: ARG002 - LlamaIndex passes it by this name
        instance: Any | None = None,  # noqa: ARG002 - and this
        result: Any | None = None,
        **_about: Any,
    ) -> None:
        self._spans.leave(id_, result)

    @guarded
    def prepare_to_drop_span(
        self,
        id_: str,
        bound_args: BoundArguments,  # noqa: ARG002 - LlamaIndex passes it by this name
        instance: Any | None = None,  # noqa: ARG002 - and this
        err: BaseException | None = None,
        **_about: Any,
    ) -> None:
        self._spans.drop(id_, err)
