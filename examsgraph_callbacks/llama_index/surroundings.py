"""The LlamaIndex span in which code runs that LlamaIndex's instrumentation does not know."""

from uuid import UUID

from llama_index.core.instrumentation.span import active_span_id

from examsgraph_callbacks.llama_index.kinds import run_id_of

__all__ = ["surrounding_run"]


def surrounding_run() -> UUID | None:
    """The run of the span around this call, in threads and tasks that copied the context too."""
    span_id = active_span_id.get()
    return None if span_id is None else run_id_of(span_id)
