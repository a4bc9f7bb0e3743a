"""A real LangChain chain runs; its facts say what happened, and the chain never notices."""

from datetime import UTC, datetime

import xxhash
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from examsgraph_callbacks.events import LLMCall, Message, Retrieval, ToolCall, Trace
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.models import USAGE, ScriptedModel, Shelf, call_of, config, facts, tutor


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
