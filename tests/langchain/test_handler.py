"""A real LangChain chain runs; its facts say what happened, and the chain never notices."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xxhash
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel, RunnablePassthrough
from langchain_core.tools import tool

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Fact, LLMCall, Message, Retrieval, ToolCall, Trace
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.models import ScriptedModel, StepClock

USAGE = {
    "input_tokens": 100,
    "output_tokens": 20,
    "total_tokens": 120,
    "input_token_details": {"cache_read": 40, "audio": 0},
    "output_token_details": {"reasoning": 8},
}


class Shelf(BaseRetriever):
    """A retriever over two documents."""

    failure: Exception | None = None

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
    ) -> list[Document]:
        if self.failure is not None:
            raise self.failure
        return [
            Document(page_content="원자값" * 3, metadata={"score": 0.92, "concept": "제1정규형"}, id="1nf"),
            Document(page_content="가" * 5000, metadata={"concept": "이상현상"}),
        ]


@pytest.fixture
def handler(tmp_path: Path) -> ExamsGraphCallbackHandler:
    return ExamsGraphCallbackHandler(tmp_path, clock=StepClock().clock())


def config(handler: ExamsGraphCallbackHandler, **more: Any) -> Any:
    return {"callbacks": [handler], **more}


def facts(handler: ExamsGraphCallbackHandler) -> list[Fact]:
    # in the order of writing: a step clock makes no difference between threads
    return list(handler.journal.read())


def call_of(handler: ExamsGraphCallbackHandler) -> LLMCall:
    (call,) = [fact for fact in facts(handler) if isinstance(fact, LLMCall)]
    return call


def tutor(model: ScriptedModel) -> Runnable[Any, str]:
    prompt = ChatPromptTemplate.from_messages([("system", "친절한 코치"), ("human", "{question}\n{context}")])
    return {"context": Shelf(), "question": RunnablePassthrough()} | prompt | model | StrOutputParser()


def test_a_call_says_what_was_asked_what_answered_and_what_it_took(
    handler: ExamsGraphCallbackHandler,
) -> None:
    messages = [SystemMessage("엄격한 교수"), HumanMessage("정규화란?")]
    ScriptedModel(usage=USAGE).invoke(messages, config(handler))
    call = call_of(handler)
    assert call == LLMCall(
        event_id=f"{1:032x}",
        started_at=datetime(2026, 1, 15, 10, 30, tzinfo=UTC),
        trace_id=call.run_id,
        run_id=call.run_id,
        name="ScriptedModel",
        latency_ms=10.0,
        provider="openai",
        requested_model="gpt-4o",
        served_model="gpt-4o-2024-08-06",
        input_tokens=100,
        output_tokens=20,
        cached_tokens=40,
        reasoning_tokens=8,
        audio_input_tokens=0,
        usage_source="reported",
        finish_reason="stop",
        request=call.request,
        answer=(Message(role="assistant", content="정규화는 중복을 제거합니다"),),
    )
    assert call.request is not None
    assert call.request.messages == (
        Message(role="system", content="엄격한 교수"),
        Message(role="user", content="정규화란?"),
    )


async def test_sync_async_and_streamed_calls_are_one_fact_each(handler: ExamsGraphCallbackHandler) -> None:
    model = ScriptedModel(usage=USAGE)
    model.invoke("1", config(handler))
    await model.ainvoke("2", config(handler))
    list(model.stream("3", config(handler)))
    _ = [chunk async for chunk in model.astream("4", config(handler))]
    _ = [event async for event in model.astream_events("5", config(handler), version="v2")]
    model.batch(["6", "7"], config(handler))
    await model.abatch(["8", "9"], config(handler))
    calls = [fact for fact in facts(handler) if isinstance(fact, LLMCall)]
    asked = sorted(str(call.request.messages[0].content) for call in calls if call.request)
    assert asked == list("123456789")
    assert {(call.input_tokens, call.output_tokens, call.served_model) for call in calls} == {
        (100, 20, "gpt-4o-2024-08-06"),
    }
    assert [call.streamed for call in calls].count(True) == 3
    assert len(facts(handler)) == 9
    assert handler.open_runs == 0


def test_time_to_first_token_is_that_of_the_first_text_not_of_the_empty_chunk_before_it(
    handler: ExamsGraphCallbackHandler,
) -> None:
    list(ScriptedModel(usage=USAGE).stream("?", config(handler)))
    call = call_of(handler)
    assert (call.time_to_first_token_ms, call.latency_ms, call.streamed) == (10.0, 20.0, True)
    assert call.answer is not None
    assert call.answer[0].content == "정규화는 중복을 제거합니다 "


def test_a_call_without_usage_leaves_the_counts_open(handler: ExamsGraphCallbackHandler) -> None:
    ScriptedModel(usage=None).invoke("?", config(handler))
    call = call_of(handler)
    assert (call.input_tokens, call.output_tokens, call.usage_source) == (None, None, None)


def test_a_chain_is_one_trace_with_its_retrieval_and_call_below_it_and_no_plumbing(
    handler: ExamsGraphCallbackHandler,
) -> None:
    answer = tutor(ScriptedModel(usage=USAGE)).invoke("정규화란?", config(handler, run_name="tutor"))
    assert answer == "정규화는 중복을 제거합니다"
    retrieval, call, trace = facts(handler)
    assert isinstance(retrieval, Retrieval)
    assert isinstance(call, LLMCall)
    assert isinstance(trace, Trace)
    assert (trace.name, trace.inputs, trace.outputs) == ("tutor", "정규화란?", answer)
    assert trace.run_id == trace.trace_id == call.trace_id == retrieval.trace_id
    assert call.parent_run_id == retrieval.parent_run_id == trace.run_id
    assert trace.parent_run_id is None
    assert handler.open_runs == 0


def test_a_streamed_chain_has_the_same_input_and_output_as_an_invoked_one(
    handler: ExamsGraphCallbackHandler,
) -> None:
    answer = "".join(tutor(ScriptedModel(usage=USAGE)).stream("정규화란?", config(handler)))
    (trace,) = [fact for fact in facts(handler) if isinstance(fact, Trace)]
    assert (trace.inputs, trace.outputs) == ("정규화란?", answer)
    assert call_of(handler).streamed


def test_documents_carry_scores_and_are_cut_with_length_and_hash_kept(
    handler: ExamsGraphCallbackHandler,
) -> None:
    Shelf().invoke("정규화", config(handler))
    (retrieval,) = facts(handler)
    assert isinstance(retrieval, Retrieval)
    first, second = retrieval.documents
    assert (first.id, first.score, first.content, first.content_hash) == ("1nf", 0.92, "원자값" * 3, None)
    assert first.metadata == {"score": 0.92, "concept": "제1정규형"}
    assert (second.score, second.content, second.content_length) == (None, "가" * 500, 5000)
    assert second.content_hash == xxhash.xxh3_128_hexdigest(("가" * 5000).encode("utf-32-le"))
    assert retrieval.query == "정규화"


def test_a_tool_call_is_a_fact_under_its_trace(handler: ExamsGraphCallbackHandler) -> None:
    @tool
    def look_up(concept: str) -> str:
        """Look a concept up."""
        return f"{concept}: 분해"

    RunnableLambda(lambda concept: look_up.invoke({"concept": concept})).invoke("정규화", config(handler))
    call, trace = facts(handler)
    assert isinstance(call, ToolCall)
    assert (call.name, call.input, call.output) == ("look_up", {"concept": "정규화"}, "정규화: 분해")
    assert call.parent_run_id == trace.trace_id


def test_a_call_in_a_tool_hangs_below_the_tool(handler: ExamsGraphCallbackHandler) -> None:
    model = ScriptedModel(usage=USAGE)

    @tool
    def ask(question: str) -> str:
        """Ask the model."""
        return str(model.invoke(question).content)

    ask.invoke({"question": "?"}, config(handler))
    call, tool_call = facts(handler)
    assert isinstance(tool_call, ToolCall)
    assert call.model_dump()["parent_run_id"] == tool_call.run_id


def test_tools_and_sampling_are_recorded_and_headers_and_keys_are_not(
    handler: ExamsGraphCallbackHandler,
) -> None:
    offered = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    model = ScriptedModel(usage=USAGE).bind(
        tools=offered,
        temperature=0.2,
        extra_headers={"Authorization": "Bearer secret"},
    )
    model.invoke("?", config(handler))
    call = call_of(handler)
    assert call.request is not None
    assert call.request.parameters == {"temperature": 0.2}
    assert list(call.request.tools) == offered
    assert "secret" not in (handler.journal.segments()[0]).read_text()


class TestErrors:
    def test_a_failing_call_is_an_error_with_its_type_and_the_chain_sees_it_too(
        self,
        handler: ExamsGraphCallbackHandler,
    ) -> None:
        with pytest.raises(TimeoutError):
            tutor(ScriptedModel(failure=TimeoutError("too slow"))).invoke("?", config(handler))
        _, call, trace = facts(handler)
        assert isinstance(call, LLMCall)
        assert isinstance(trace, Trace)
        for fact in (call, trace):
            assert (fact.status, fact.error_type, fact.error_message) == (
                "error",
                "TimeoutError",
                "too slow",
            )
        assert (call.input_tokens, call.usage_source, call.answer) == (None, None, None)
        assert handler.open_runs == 0

    def test_an_error_in_mid_stream_keeps_what_had_come(self, handler: ExamsGraphCallbackHandler) -> None:
        model = ScriptedModel(failure=ConnectionError("cut"), fail_after=2)
        with pytest.raises(ConnectionError):
            list(model.stream("?", config(handler)))
        call = call_of(handler)
        assert (call.status, call.error_type) == ("partial", "ConnectionError")
        assert call.answer is not None
        assert call.answer[0].content == "정규화는 중복을 "

    def test_a_failed_attempt_before_a_fallback_is_a_fact_too(
        self,
        handler: ExamsGraphCallbackHandler,
    ) -> None:
        first = ScriptedModel(model_name="gpt-4o", failure=RuntimeError("overloaded"))
        first.with_fallbacks([ScriptedModel(model_name="gpt-4o-mini", usage=USAGE)]).invoke(
            "?",
            config(handler),
        )
        statuses = [(f.requested_model, f.status) for f in facts(handler) if isinstance(f, LLMCall)]
        assert statuses == [("gpt-4o", "error"), ("gpt-4o-mini", "ok")]

    def test_a_failing_retriever_is_an_error(self, handler: ExamsGraphCallbackHandler) -> None:
        with pytest.raises(ConnectionError):
            Shelf(failure=ConnectionError("neo4j is down")).invoke("?", config(handler))
        (retrieval,) = facts(handler)
        assert isinstance(retrieval, Retrieval)
        assert (retrieval.status, retrieval.error_type) == ("error", "ConnectionError")


class TestContext:
    def test_metadata_beats_the_block_around_which_beats_the_handlers_defaults(self, tmp_path: Path) -> None:
        handler = ExamsGraphCallbackHandler(tmp_path, user_id="default", session_id="default", task_type="d")
        with tutoring(user_id="block", session_id="block", wrong_concept="정규화"):
            ScriptedModel().invoke("?", config(handler, metadata={"user_id": "metadata"}))
        call = call_of(handler)
        assert (call.user_id, call.session_id, call.task_type) == ("metadata", "block", "d")
        assert call.wrong_concept == "정규화"

    def test_a_block_inside_the_chain_is_nearer_than_the_metadata_outside(
        self,
        handler: ExamsGraphCallbackHandler,
    ) -> None:
        def step(question: str) -> Any:
            with tutoring(task_type="complex_reasoning"):
                return ScriptedModel().invoke(question)

        with tutoring(user_id="outer"):
            RunnableLambda(step).invoke(
                "?",
                config(handler, metadata={"task_type": "simple_greeting", "user_id": "metadata"}),
            )
        call = call_of(handler)
        # the block inside said nothing of the user: it does not carry the outer block's over the metadata
        assert (call.task_type, call.user_id) == ("complex_reasoning", "metadata")

    def test_metadata_on_an_inner_call_is_nearer_than_all(self, handler: ExamsGraphCallbackHandler) -> None:
        def step(question: str) -> Any:
            with tutoring(question_id="q_block"):
                return ScriptedModel().invoke(question, {"metadata": {"question_id": "q_inner"}})

        RunnableLambda(step).invoke("?", config(handler, metadata={"question_id": "q_outer"}))
        assert call_of(handler).question_id == "q_inner"

    async def test_concurrent_learners_are_not_mixed_up(self, handler: ExamsGraphCallbackHandler) -> None:
        async def turn(number: int) -> None:
            with tutoring(user_id=f"user_{number}"):
                await tutor(ScriptedModel()).ainvoke(f"{number}", config(handler))

        await asyncio.gather(*(turn(number) for number in range(40)))
        traces = [fact for fact in facts(handler) if isinstance(fact, Trace)]
        assert {(trace.inputs, trace.user_id) for trace in traces} == {
            (f"{number}", f"user_{number}") for number in range(40)
        }
        for fact in facts(handler):
            (trace,) = [trace for trace in traces if trace.trace_id == fact.trace_id]
            assert fact.user_id == trace.user_id

    def test_a_thread_that_copied_the_context_is_linked_and_carries_it(
        self,
        handler: ExamsGraphCallbackHandler,
    ) -> None:
        def step(question: str) -> Any:
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(copy_context().run, ScriptedModel().invoke, question).result()

        with tutoring(user_id="user_001"):
            RunnableLambda(step).invoke("?", config(handler))
        call, trace = facts(handler)
        assert (call.trace_id, call.user_id) == (trace.run_id, "user_001")  # type: ignore[attr-defined]

    def test_own_tags_are_kept_and_langchains_step_numbers_are_not(
        self,
        handler: ExamsGraphCallbackHandler,
    ) -> None:
        tutor(ScriptedModel()).invoke("?", config(handler, tags=["lesson-3"]))
        assert {fact.tags for fact in facts(handler)} == {("lesson-3",)}

    def test_a_value_that_is_not_text_is_refused_by_name(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInputError, match="expected text for user_id, got int 7"):
            ExamsGraphCallbackHandler(tmp_path, user_id=7)  # type: ignore[arg-type]
        with (
            pytest.raises(InvalidInputError, match="expected text for question_id"),
            tutoring(
                question_id=3,  # type: ignore[arg-type]
            ),
        ):
            pass


class TestTheHostIsNeverBroken:
    def test_a_failure_of_ours_is_logged_and_the_chain_goes_on(
        self,
        handler: ExamsGraphCallbackHandler,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def fail(*_args: object) -> None:
            raise RuntimeError("a bug of ours")

        monkeypatch.setattr(handler.journal, "write_fields", fail)
        with caplog.at_level(logging.WARNING):
            assert isinstance(ScriptedModel().invoke("?", config(handler)), AIMessage)
        assert "a bug of ours" in caplog.text

    def test_an_end_without_a_beginning_is_passed_over(self, handler: ExamsGraphCallbackHandler) -> None:
        inner = ExamsGraphCallbackHandler(handler.journal)
        model = ScriptedModel()

        def step(question: str) -> Any:
            return model.invoke(question, config(inner))

        # attached below a chain that it does not see, a call is its own trace
        RunnableLambda(step).invoke("?")
        (call,) = facts(inner)
        assert call.model_dump()["parent_run_id"] is None

    def test_objects_that_are_no_json_do_not_stop_a_trace(self, handler: ExamsGraphCallbackHandler) -> None:
        class Opaque:
            pass

        nested: list[Any] = []
        nested.append(nested)
        given = {"object": Opaque(), "bytes": b"\x00", "set": {1}, "nested": nested, "nan": float("nan")}
        RunnableParallel(kept=RunnableLambda(lambda given: given)).invoke(given, config(handler))
        (trace,) = facts(handler)
        assert isinstance(trace, Trace)
        assert isinstance(trace.inputs, dict)
        assert (trace.inputs["object"], trace.inputs["bytes"], trace.inputs["nan"]) == (
            "<Opaque>",
            f"<bytes of 1, {xxhash.xxh3_128_hexdigest(bytes(1))}>",
            None,
        )
