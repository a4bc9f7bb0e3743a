"""LlamaIndex's spans become runs: what each begins, when it has ended, and what stands below what."""

from dataclasses import dataclass, field
from types import AsyncGeneratorType, GeneratorType
from uuid import UUID

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.base.llms.types import ChatResponse, CompletionResponse
from llama_index.core.tools import BaseTool
from pydantic import JsonValue

from examsgraph_callbacks.capture import OpenRun, Recorder, guarded
from examsgraph_callbacks.events import EmbeddingCall, LLMCall, Retrieval, RunFact, ToolCall, Trace
from examsgraph_callbacks.llama_index.answers import Answer, Response
from examsgraph_callbacks.llama_index.bodies import Bodies, Body
from examsgraph_callbacks.llama_index.contents import (
    embedded_fields,
    embedding_fields,
    retrieved_documents,
    retriever_query,
    tool_input,
    tool_output,
    turn_inputs,
    turn_outputs,
)
from examsgraph_callbacks.llama_index.kinds import Span, provider_of, run_id_of
from examsgraph_callbacks.llama_index.messages import call_fields

__all__ = ["Spans"]


@dataclass(slots=True)
class _OpenCall:
    """An LLM call in flight."""

    run_id: UUID
    run: OpenRun
    llm: BaseLLM
    answer: Answer = field(default_factory=Answer)


class Spans:
    """Begins and ends a run for each span that is more than plumbing.

    One call of a model is one fact, although an LLM may answer `complete` by its own `chat`, or by
    another LLM: the innermost is the call, and what is around it gives way. A turn whose answer is
    streamed ends with its stream, not with its span.
    """

    def __init__(self, recorder: Recorder, document_limit: int, *, capture_embeddings: bool = False) -> None:
        self._recorder = recorder
        self._document_limit = document_limit
        self._captures_embeddings = capture_embeddings
        self._calls: dict[UUID, _OpenCall] = {}
        self._bodies = Bodies(self._body_gone)
        # by trace, the outputs of turns whose span has ended and whose stream has not
        self._returned: dict[str, JsonValue] = {}

    def enter(self, span: Span) -> None:
        """A span has begun."""
        fact, instance = span.fact, span.instance
        parent = self._bodies.running() or span.parent_run_id
        if fact is LLMCall and isinstance(instance, BaseLLM):
            self._begin_call(span, parent, instance)
        elif fact is EmbeddingCall and isinstance(instance, BaseEmbedding):
            captures = self._captures_embeddings
            fields = embedding_fields(instance, span.arguments, captures=captures)
            self._begin(EmbeddingCall, span, parent, fields)
        elif fact is Retrieval:
            self._begin(Retrieval, span, parent, {"query": retriever_query(span.arguments)})
        elif fact is ToolCall and isinstance(instance, BaseTool):
            self._begin_tool(span, parent, instance)
        elif not self._recorder.pass_through(span.run_id, parent, span.tags) and fact and parent is None:
            self._begin(Trace, span, None, {"inputs": turn_inputs(span.arguments)})

    def leave(self, span_id: str, result: object) -> None:
        """A span has ended; where `result` is a generator, its work has yet to begin."""
        run_id = run_id_of(span_id)
        call = self._calls.get(run_id)
        if isinstance(result, GeneratorType | AsyncGeneratorType):
            self._leave_body(run_id, result)
        elif call is not None:
            if isinstance(result, ChatResponse | CompletionResponse):
                call.answer.see(result)
            self._end_call(call)
        else:
            self._end_other(run_id, result)

    def drop(self, span_id: str, error: BaseException | None) -> None:
        """A span has ended by an error."""
        run_id = run_id_of(span_id)
        call = self._calls.get(run_id)
        if call is not None:
            self._end_call(call, error)
        else:
            self._recorder.end(run_id, error=error)

    def progressed(self, span_id: str, response: Response) -> None:
        """A stream has brought one more response."""
        call = self._calls.get(run_id_of(span_id))
        if call is not None and call.answer.see(response) and call.run.first_token_ns is None:
            self._recorder.first_token(call.run)

    def finished(self, span_id: str) -> None:
        """An answer is complete; the end of its span says the rest where it is not streamed."""
        call = self._calls.get(run_id_of(span_id))
        if call is not None and call.run.streamed:
            self._end_call(call)

    def failed(self, span_id: str, error: BaseException) -> None:
        """A stream was ended by an error, or (`GeneratorExit`) by its consumer."""
        call = self._calls.get(run_id_of(span_id))
        if call is not None:
            abandoned = isinstance(error, GeneratorExit)
            self._end_call(call, None if abandoned else error, abandoned=abandoned)

    def _begin(
        self,
        fact: type[RunFact],
        span: Span,
        parent: UUID | None,
        content: dict[str, object],
        name: str | None = None,
    ) -> OpenRun:
        return self._recorder.begin(
            fact,
            span.run_id,
            parent,
            name=name or span.label,
            metadata=span.tags,
            tags=[],
            content=content,
        )

    def _begin_call(self, span: Span, parent: UUID | None, llm: BaseLLM) -> None:
        place = self._in_place_of_the_call_above(parent, llm)
        run = self._begin(LLMCall, span, place, {"provider": provider_of(type(llm))})
        self._calls[span.run_id] = _OpenCall(span.run_id, run, llm)
        run.content.update(call_fields(llm, span.arguments))

    def _begin_tool(self, span: Span, parent: UUID | None, tool: BaseTool) -> None:
        name = tool.metadata.name or span.label
        above = None if parent is None else self._recorder.open_run(parent)
        if above is not None and above.fact is ToolCall and above.name == name and span.is_within_a_tool:
            # a tool's `__call__` calls its `call`
            self._recorder.pass_through(span.run_id, parent, span.tags)
        else:
            self._begin(ToolCall, span, parent, {"input": tool_input(span.arguments)}, name)

    def _in_place_of_the_call_above(self, parent: UUID | None, llm: BaseLLM) -> UUID | None:
        """Where a call that begins below `parent` stands, once a call that is there has given way to it."""
        above = None if parent is None else self._recorder.open_run(parent)
        outer = None if above is None else self._calls.pop(UUID(above.run_id), None)
        if outer is None:
            return parent
        run = outer.run
        if run.parent_run_id is None and outer.llm is not llm:
            # an LLM that calls others, once or several times, is a turn
            if run.fact is not Trace:
                run.fact, run.content = Trace, {"inputs": run.content.get("request")}
            if run.streamed:
                self._returned[run.trace_id] = None
            return outer.run_id
        self._recorder.give_way(outer.run_id)
        return None if run.parent_run_id is None else UUID(run.parent_run_id)

    def _leave_body(self, run_id: UUID, body: Body) -> None:
        run = self._recorder.open_run(run_id)
        if run is None:
            return
        self._bodies.add(run_id, run.trace_id, body)
        if run_id in self._calls:
            run.streamed = True
        elif run.fact is Trace and run.number == run_id.int:
            self._returned[run.trace_id] = None

    def _end_other(self, run_id: UUID, result: object) -> None:
        run = self._recorder.recorded(run_id)
        if run is None:
            self._recorder.end(run_id)  # plumbing
        elif run.fact is Trace:
            outputs = turn_outputs(result)
            if self._bodies.of_trace(run.trace_id):
                self._returned[run.trace_id] = outputs
            else:
                self._end_turn(run.trace_id, outputs)
        elif run.fact is Retrieval:
            self._recorder.end(run_id, {"documents": retrieved_documents(result, self._document_limit)})
        elif run.fact is EmbeddingCall and self._captures_embeddings:
            self._recorder.end(run_id, embedded_fields(result))
        elif run.fact is ToolCall:
            self._recorder.end(run_id, {"output": tool_output(result)})
        else:
            self._recorder.end(run_id)

    def _end_call(
        self, call: _OpenCall, error: BaseException | None = None, *, abandoned: bool = False
    ) -> None:
        if self._calls.pop(call.run_id, None) is None:
            return
        partial = abandoned or (error is not None and call.answer.begun)
        fields = call.answer.fields(partial=partial) if partial or error is None else {}
        if partial:
            fields["status"] = "partial"
        self._recorder.end(call.run_id, fields, error)
        trace_id = call.run.trace_id
        if trace_id in self._returned and not self._is_calling(trace_id):
            outputs = self._returned.pop(trace_id)
            self._end_turn(trace_id, outputs or call.answer.text, error, partial=abandoned)

    def _end_turn(
        self,
        trace_id: str,
        outputs: JsonValue,
        error: BaseException | None = None,
        *,
        partial: bool = False,
    ) -> None:
        for run_id in self._bodies.discard_trace(trace_id):
            self._end_plumbing(run_id)
        fields: dict[str, object] = {"outputs": outputs}
        if partial:
            fields["status"] = "partial"
        self._recorder.end(UUID(trace_id), fields, error)

    def _end_plumbing(self, run_id: UUID) -> None:
        if self._recorder.recorded(run_id) is None:
            self._recorder.end(run_id)

    def _is_calling(self, trace_id: str) -> bool:
        return any(call.run.trace_id == trace_id for call in list(self._calls.values()))

    @guarded
    def _body_gone(self, run_id: UUID, trace_id: str) -> None:
        call = self._calls.get(run_id)
        if call is not None:
            self._end_call(call, abandoned=True)
        else:
            self._end_plumbing(run_id)
        if trace_id in self._returned and not (self._bodies.of_trace(trace_id) or self._is_calling(trace_id)):
            # nobody has read the answer, and nobody can any more
            self._end_turn(trace_id, self._returned.pop(trace_id), partial=True)
