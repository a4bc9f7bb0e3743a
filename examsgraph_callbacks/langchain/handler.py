"""The LangChain callback handler: every LLM call, retrieval, tool call and turn becomes a fact."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk, LLMResult

from examsgraph_callbacks.capture import (
    Clock,
    OpenRun,
    Privacy,
    Recorder,
    Redact,
    guarded,
    know_surroundings,
    plain,
    recorded_document,
    redact_text,
)
from examsgraph_callbacks.capture.context import checked
from examsgraph_callbacks.events import LLMCall, Retrieval, RunFact, ToolCall, Trace
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.langchain.inline import asked_in_line
from examsgraph_callbacks.langchain.messages import (
    request_of_messages,
    request_of_prompts,
    requested_model,
)
from examsgraph_callbacks.langchain.results import fields_of_failure, fields_of_result
from examsgraph_callbacks.langchain.surroundings import surrounding_run
from examsgraph_callbacks.settings import current_settings

__all__ = ["ExamsGraphCallbackHandler"]

_PLUMBING_TAGS = ("seq:step:", "map:key:", "condition:", "branch:", "retry:attempt:")


class ExamsGraphCallbackHandler(BaseCallbackHandler):
    """Attach one to a chain, by `config={"callbacks": [handler]}`; sync, async and streaming.

    `journal` is a `Journal`, its path, or None for the configured place. `user_id`, `session_id` and
    `task_type` hold where neither `tutoring()` nor the run's `config["metadata"]` says otherwise. `redact`
    is applied to every text before it is recorded, instead of `redact_text`: one that adds to that calls
    it. One handler serves any number of chains, threads and tasks. Raises `InvalidInputError` where the
    journal's place is a file, a default is not text or `EXAMSGRAPH_USER_KEY` is no key; nothing that
    happens later reaches the chain.
    """

    raise_error = False
    # LangChain asks before each event; as properties, which they are there, each time a function is called
    ignore_llm = ignore_chat_model = ignore_chain = ignore_retriever = ignore_agent = False

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
        self.journal = journal if isinstance(journal, Journal) else Journal(journal)
        defaults = checked({"user_id": user_id, "session_id": session_id, "task_type": task_type})
        self._recorder = Recorder(self.journal, defaults, clock or Clock(), Privacy.configured(redact))
        know_surroundings(surrounding_run)
        self._open_run = self._recorder.open_run
        self._document_limit = current_settings().document_limit

    @property
    def run_inline(self) -> bool:  # type: ignore[override]  # a field there, which LangChain only reads
        """Whether LangChain is to call the handler in line."""
        return asked_in_line()

    @property
    def open_runs(self) -> int:
        """How many runs have begun and not ended."""
        return len(self._recorder)

    # four guard themselves: every call and step comes here, and `guarded` takes a third of a step's time
    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        **about: Any,
    ) -> None:
        try:
            parameters = about.get("invocation_params") or {}
            request = request_of_messages(messages[0] if messages else [], parameters)
            self._begin_call(serialized, request, run_id, about)
        except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
            failures.report("ExamsGraphCallbackHandler.on_chat_model_start", error)

    @guarded
    def on_llm_start(
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        **about: Any,
    ) -> None:
        request = request_of_prompts(prompts, about.get("invocation_params") or {})
        self._begin_call(serialized, request, run_id, about)

    # not guarded by the decorator: it runs for every token, and what it does cannot fail
    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        run_id: UUID,
        **_about: Any,
    ) -> None:
        run = self._open_run(run_id)
        if run is None or run.first_token_ns is not None:
            return
        run.streamed = True
        if token or _calls_a_tool(chunk):
            self._recorder.first_token(run)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_about: Any) -> None:
        try:
            self._recorder.end(run_id, fields_of_result(response, streamed=self._streamed(run_id)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
            failures.report("ExamsGraphCallbackHandler.on_llm_end", error)

    @guarded
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **about: Any) -> None:
        fields = fields_of_failure(about.get("response"), streamed=self._streamed(run_id))
        self._recorder.end(run_id, fields, error)

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: dict[str, Any],
        *,
        run_id: UUID,
        **about: Any,
    ) -> None:
        try:
            if not self._recorder.pass_through(run_id, _parent(about), about.get("metadata")):
                self._begin(Trace, serialized, run_id, about, inputs=plain(inputs))
        except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
            failures.report("ExamsGraphCallbackHandler.on_chain_start", error)

    def on_chain_end(self, outputs: dict[str, Any], *, run_id: UUID, **about: Any) -> None:
        try:
            # plumbing is not recorded: its inputs and outputs need not be looked at
            if not self._recorder.passed_through(run_id):
                self._recorder.end(run_id, {"outputs": plain(outputs), **_inputs_of_stream(about)})
        except Exception as error:  # noqa: BLE001 - whatever it is, the host must not see it
            failures.report("ExamsGraphCallbackHandler.on_chain_end", error)

    @guarded
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **about: Any) -> None:
        if not self._recorder.passed_through(run_id):
            self._recorder.end(run_id, _inputs_of_stream(about), _unless_control_flow(error))

    @guarded
    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        **about: Any,
    ) -> None:
        self._begin(Retrieval, serialized, run_id, about, query=query)

    @guarded
    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **_about: Any) -> None:
        limit = self._document_limit
        recorded = [
            recorded_document(document.page_content, document.metadata, document.id, limit)
            for document in documents
        ]
        self._recorder.end(run_id, {"documents": recorded})

    @guarded
    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **_about: Any) -> None:
        self._recorder.end(run_id, error=error)

    @guarded
    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        **about: Any,
    ) -> None:
        inputs = about.get("inputs")
        self._begin(ToolCall, serialized, run_id, about, input=plain(input_str if inputs is None else inputs))

    @guarded
    def on_tool_end(self, output: Any, *, run_id: UUID, **_about: Any) -> None:
        self._recorder.end(run_id, {"output": plain(output)})

    @guarded
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_about: Any) -> None:
        self._recorder.end(run_id, error=_unless_control_flow(error))

    def _streamed(self, run_id: UUID) -> bool:
        run = self._open_run(run_id)
        return run is not None and run.streamed

    def _begin_call(
        self,
        serialized: dict[str, Any] | None,
        request: dict[str, object],
        run_id: UUID,
        about: dict[str, Any],
    ) -> None:
        parameters = about.get("invocation_params") or {}
        metadata = about.get("metadata") or {}
        run = self._begin(
            LLMCall,
            serialized,
            run_id,
            about,
            provider=metadata.get("ls_provider"),
            requested_model=requested_model(parameters, metadata),
            request=request,
        )
        run.streamed = bool(parameters.get("stream"))

    def _begin(
        self,
        fact: type[RunFact],
        serialized: dict[str, Any] | None,
        run_id: UUID,
        about: dict[str, Any],
        **content: object,
    ) -> OpenRun:
        # of `serialized` only the name: the rest can hold headers and keys
        name = about.get("name") or (serialized or {}).get("name")
        metadata = about.get("metadata")
        if metadata and "langgraph_node" in metadata:
            content["langgraph_node"] = metadata["langgraph_node"]
        return self._recorder.begin(
            fact,
            run_id,
            _parent(about),
            name=str(name) if name else None,
            metadata=metadata,
            tags=_own_tags(about.get("tags")),
            content=content,
        )


def _parent(about: dict[str, Any]) -> UUID | None:
    """The run above, also where it is known only from the context.

    `with_fallbacks` hands its own config to the models it calls, and code in a step may name the handler
    again: LangChain then says that the run has no parent, while the context still knows it.
    """
    told: UUID | None = about.get("parent_run_id")
    return surrounding_run() if told is None else told


def _own_tags(tags: Sequence[str] | None) -> list[str]:
    """The caller's tags, without those by which LangChain numbers the steps of a sequence."""
    return [str(tag) for tag in tags if not str(tag).startswith(_PLUMBING_TAGS)] if tags else []


def _inputs_of_stream(about: dict[str, Any]) -> dict[str, object]:
    """A streamed chain knows its input only at its end: it began with an empty one."""
    inputs = about.get("inputs")
    return {} if inputs is None else {"inputs": plain(inputs)}


def _unless_control_flow(error: BaseException) -> BaseException | None:
    """The error, unless LangGraph raised it to pause or redirect the graph (interrupt, Command)."""
    # by name: an application without LangGraph should not have to import it
    is_control_flow = any(kind.__name__ == "GraphBubbleUp" for kind in type(error).__mro__)
    return None if is_control_flow else error


def _calls_a_tool(chunk: GenerationChunk | ChatGenerationChunk | None) -> bool:
    return bool(getattr(getattr(chunk, "message", None), "tool_call_chunks", None))
