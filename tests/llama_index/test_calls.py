"""A real LlamaIndex LLM is called; one fact says what happened, in whichever way it was called."""

import asyncio
import gc
from datetime import UTC, datetime
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import ChatPromptTemplate
from pydantic import BaseModel

from examsgraph_callbacks.events import LLMCall, Message, Trace
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.llama_index.models import ANSWER, USAGE, ScriptedLLM, WrappingLLM, calls, facts, only_call

SYNC = ["chat", "complete", "stream_chat", "stream_complete"]
METHODS = [*SYNC, *(f"a{method}" for method in SYNC)]


def asked(method: str) -> Any:
    return "정규화란?" if "complete" in method else [ChatMessage("정규화란?")]


async def call(llm: Any, method: str, question: Any = None) -> None:
    result = getattr(llm, method)(asked(method) if question is None else question)
    if method.startswith("a"):
        result = await result
        if "stream" in method:
            async for _ in result:
                pass
    elif "stream" in method:
        for _ in result:
            pass


def test_a_call_says_what_was_asked_what_answered_and_what_it_took(handler: ExamsGraphEventHandler) -> None:
    ScriptedLLM(usage=USAGE).chat([ChatMessage("엄격한 교수", role="system"), ChatMessage("정규화란?")])
    recorded = only_call(handler)
    assert recorded == LLMCall(
        event_id=f"{1:032x}",
        started_at=datetime(2026, 1, 15, 10, 30, tzinfo=UTC),
        trace_id=recorded.run_id,
        run_id=recorded.run_id,
        name="ScriptedLLM.chat",
        latency_ms=10.0,
        requested_model="gpt-4o",
        served_model="gpt-4o-2024-08-06",
        service_tier="default",
        input_tokens=100,
        output_tokens=20,
        cached_tokens=40,
        reasoning_tokens=8,
        usage_source="reported",
        finish_reason="stop",
        request=recorded.request,
        answer=(Message(role="assistant", content=ANSWER),),
    )
    assert recorded.request is not None
    assert recorded.request.messages == (
        Message(role="system", content="엄격한 교수"),
        Message(role="user", content="정규화란?"),
    )
    assert recorded.request.parameters == {"temperature": 0.1}


@pytest.mark.parametrize("llm", [ScriptedLLM(usage=USAGE), WrappingLLM()], ids=["own chat", "CustomLLM"])
@pytest.mark.parametrize("method", METHODS)
async def test_each_way_of_calling_is_one_fact(
    method: str,
    llm: ScriptedLLM | WrappingLLM,
    handler: ExamsGraphEventHandler,
) -> None:
    await call(llm, method)
    recorded = only_call(handler)
    assert (recorded.trace_id, recorded.parent_run_id) == (recorded.run_id, None)
    assert (recorded.input_tokens, recorded.output_tokens, recorded.usage_source) == (100, 20, "reported")
    assert (recorded.served_model, recorded.finish_reason) == ("gpt-4o-2024-08-06", "stop")
    assert (recorded.status, recorded.streamed) == ("ok", "stream" in method)
    assert recorded.request is not None
    assert "정규화란?" in str(recorded.request.messages[0].content)
    assert recorded.answer is not None
    assert str(recorded.answer[0].content).strip() == ANSWER


def test_time_to_first_token_is_that_of_the_first_text_not_of_the_empty_chunk_before_it(
    handler: ExamsGraphEventHandler,
) -> None:
    list(ScriptedLLM(usage=USAGE).stream_chat([ChatMessage("?")]))
    recorded = only_call(handler)
    assert (recorded.time_to_first_token_ms, recorded.latency_ms) == (10.0, 20.0)


@pytest.mark.parametrize("method", METHODS)
async def test_a_call_without_usage_leaves_the_counts_open(
    method: str,
    handler: ExamsGraphEventHandler,
) -> None:
    await call(ScriptedLLM(), method)
    recorded = only_call(handler)
    assert (recorded.input_tokens, recorded.output_tokens, recorded.usage_source) == (None, None, None)


def test_tools_are_recorded_and_calls_of_them_stand_in_the_answer(handler: ExamsGraphEventHandler) -> None:
    offered = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    llm = ScriptedLLM(tool_calls={"look_up": {"concept": "정규화"}})
    llm.chat([ChatMessage("?")], tools=offered, tool_choice="auto", extra_headers={"Authorization": "secret"})
    recorded = only_call(handler)
    assert recorded.request is not None
    assert list(recorded.request.tools) == offered
    assert recorded.request.parameters == {"temperature": 0.1, "tool_choice": "auto"}
    assert recorded.answer is not None
    assert recorded.answer[0].tool_calls == (
        {"name": "look_up", "args": {"concept": "정규화"}, "id": "call_look_up", "type": "tool_call"},
    )
    assert "secret" not in handler.journal.segments()[0].read_text()


def test_a_completion_model_is_sent_a_prompt(handler: ExamsGraphEventHandler) -> None:
    WrappingLLM().complete("정규화란?")
    recorded = only_call(handler)
    assert recorded.request is not None
    assert recorded.request.messages == (Message(role="prompt", content="정규화란?"),)


class TestAnLLMAroundAnother:
    def test_is_a_turn_of_its_own_with_each_call_it_made(self, handler: ExamsGraphEventHandler) -> None:
        WrappingLLM(inner=ScriptedLLM(usage=USAGE), attempts=2).complete("정규화란?")
        first, second, turn = facts(handler)
        assert isinstance(turn, Trace)
        assert (turn.name, turn.outputs, turn.run_id) == ("WrappingLLM.complete", ANSWER, turn.trace_id)
        for inner in (first, second):
            assert isinstance(inner, LLMCall)
            assert (inner.requested_model, inner.parent_run_id) == ("gpt-4o", turn.run_id)
        assert handler.open_runs == 0

    def test_that_structures_the_answer_is_no_call(self, handler: ExamsGraphEventHandler) -> None:
        class Verdict(BaseModel):
            understood: bool

        inner = ScriptedLLM(usage=USAGE, tool_calls={"Verdict": {"understood": True}})
        response = inner.as_structured_llm(Verdict).chat([ChatMessage("이해했나?")])
        assert response.raw == Verdict(understood=True)
        (recorded,) = calls(handler)
        assert (recorded.name, recorded.input_tokens) == ("ScriptedLLM.chat", 100)
        (turn,) = [fact for fact in facts(handler) if isinstance(fact, Trace)]
        assert recorded.trace_id == turn.run_id
        assert handler.open_runs == 0

    # LlamaIndex's StructuredLLM still calls pydantic's json()
    @pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecationWarning")
    def test_that_structures_a_stream_is_no_call_either(self, handler: ExamsGraphEventHandler) -> None:
        class Verdict(BaseModel):
            understood: bool

        inner = ScriptedLLM(usage=USAGE, tool_calls={"Verdict": {"understood": True}})
        # the inner LLM is only called when the stream is read, long after the outer one's span has ended
        list(inner.as_structured_llm(Verdict).stream_chat([ChatMessage("이해했나?")]))
        (recorded,) = calls(handler)
        assert (recorded.name, recorded.input_tokens) == ("ScriptedLLM.stream_chat", 100)
        (turn,) = [fact for fact in facts(handler) if isinstance(fact, Trace)]
        assert recorded.trace_id == turn.run_id
        assert handler.open_runs == 0

    def test_stands_below_what_called_it_only_by_its_calls(self, handler: ExamsGraphEventHandler) -> None:
        wrapping = WrappingLLM(inner=ScriptedLLM(usage=USAGE), attempts=2)
        wrapping.predict(ChatPromptTemplate([ChatMessage("정규화란?")]))
        *inner, turn = facts(handler)
        assert isinstance(turn, Trace)
        assert turn.name == "WrappingLLM.predict"
        assert [(type(fact), fact.parent_run_id) for fact in inner] == [(LLMCall, turn.run_id)] * 2


class TestErrors:
    @pytest.mark.parametrize("method", ["chat", "complete", "achat", "acomplete"])
    async def test_a_failing_call_is_an_error_with_its_type_and_the_caller_sees_it_too(
        self,
        method: str,
        handler: ExamsGraphEventHandler,
    ) -> None:
        with pytest.raises(TimeoutError):
            await call(ScriptedLLM(failure=TimeoutError("too slow")), method)
        recorded = only_call(handler)
        assert (recorded.status, recorded.error_type, recorded.error_message) == (
            "error",
            "TimeoutError",
            "too slow",
        )
        assert (recorded.input_tokens, recorded.usage_source, recorded.answer) == (None, None, None)

    @pytest.mark.parametrize("method", ["stream_chat", "stream_complete", "astream_chat", "astream_complete"])
    async def test_an_error_in_mid_stream_keeps_what_had_come(
        self,
        method: str,
        handler: ExamsGraphEventHandler,
    ) -> None:
        with pytest.raises(ConnectionError):
            await call(ScriptedLLM(failure=ConnectionError("cut"), fail_after=2), method)
        recorded = only_call(handler)
        assert (recorded.status, recorded.error_type) == ("partial", "ConnectionError")
        assert recorded.answer is not None
        assert recorded.answer[0].content == "정규화는 중복을 "

    def test_an_error_before_the_first_word_is_an_error(self, handler: ExamsGraphEventHandler) -> None:
        with pytest.raises(ConnectionError):
            list(ScriptedLLM(failure=ConnectionError("cut")).stream_chat([ChatMessage("?")]))
        recorded = only_call(handler)
        assert (recorded.status, recorded.answer, recorded.streamed) == ("error", None, True)

    async def test_a_cancelled_call_is_an_error(self, handler: ExamsGraphEventHandler) -> None:
        with pytest.raises(asyncio.CancelledError):
            await ScriptedLLM(failure=asyncio.CancelledError()).achat([ChatMessage("?")])
        recorded = only_call(handler)
        assert (recorded.status, recorded.error_type) == ("error", "CancelledError")


class TestAbandonedStreams:
    @pytest.mark.parametrize("close", [True, False], ids=["closed", "garbage collected"])
    @pytest.mark.parametrize("method", ["stream_chat", "stream_complete"])
    def test_what_had_come_is_kept_as_partial(
        self,
        method: str,
        close: bool,
        handler: ExamsGraphEventHandler,
    ) -> None:
        stream = getattr(ScriptedLLM(usage=USAGE), method)(asked(method))
        for _ in range(3):
            next(stream)
        assert facts(handler) == []
        if close:
            stream.close()
        del stream
        gc.collect()
        self._is_partial(only_call(handler))

    @pytest.mark.parametrize("close", [True, False], ids=["closed", "garbage collected"])
    @pytest.mark.parametrize("method", ["astream_chat", "astream_complete"])
    async def test_the_same_of_an_asynchronous_stream(
        self,
        method: str,
        close: bool,
        handler: ExamsGraphEventHandler,
    ) -> None:
        stream = await getattr(ScriptedLLM(usage=USAGE), method)(asked(method))
        for _ in range(3):
            await anext(stream)
        if close:
            await stream.aclose()
        del stream
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)  # the loop closes generators within generators turn by turn
        self._is_partial(only_call(handler))

    def test_a_stream_that_nobody_began_to_read_is_partial_too(self, handler: ExamsGraphEventHandler) -> None:
        stream = ScriptedLLM(usage=USAGE).stream_chat([ChatMessage("?")])
        assert handler.open_runs == 1
        del stream
        gc.collect()
        recorded = only_call(handler)
        assert (recorded.status, recorded.answer, recorded.input_tokens) == ("partial", None, None)

    def test_of_a_stream_of_deltas_alone_they_are_put_together(self, handler: ExamsGraphEventHandler) -> None:
        stream = Forgetful().stream_chat([ChatMessage("?")])
        for _ in range(3):
            next(stream)
        stream.close()
        self._is_partial(only_call(handler))

    def _is_partial(self, recorded: LLMCall) -> None:
        assert (recorded.status, recorded.error_type, recorded.streamed) == ("partial", None, True)
        assert (recorded.input_tokens, recorded.usage_source) == (None, None)
        assert recorded.answer is not None
        assert recorded.answer[0].content == "정규화는 중복을 "


class Forgetful(ScriptedLLM):
    """Gathers nothing, as OpenAIResponses does before its last event."""

    def _stream(self, messages: Any) -> Any:
        for response in super()._stream(messages):
            response.message = ChatMessage(role="assistant", content=response.delta)
            yield response


class Repeating(ScriptedLLM):
    """Says all of the text in each delta."""

    def _stream(self, messages: Any) -> Any:
        for response in super()._stream(messages):
            response.delta = response.message.content
            yield response


@pytest.mark.parametrize("llm", [Forgetful(), Repeating()], ids=["deltas alone", "no true deltas"])
def test_a_stream_is_read_in_whichever_way_its_text_comes(
    llm: ScriptedLLM,
    handler: ExamsGraphEventHandler,
) -> None:
    list(llm.stream_chat([ChatMessage("?")]))
    recorded = only_call(handler)
    assert recorded.answer is not None
    assert str(recorded.answer[0].content).strip() == ANSWER
