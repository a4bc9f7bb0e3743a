"""Query engines and chat engines: a turn is one trace, its calls and retrievals right below it."""

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import Any

import pytest
from llama_index.core.chat_engine import ContextChatEngine
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import Document, QueryBundle
from llama_index.core.tools import FunctionTool
from llama_index_instrumentation import get_dispatcher

from examsgraph_callbacks.events import LLMCall, Retrieval, Trace
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.llama_index.models import (
    ANSWER,
    USAGE,
    ScriptedLLM,
    Shelf,
    calls,
    engine,
    facts,
    look_up,
    the_turn,
)


class TestQueryEngine:
    def test_is_one_turn_with_its_retrieval_and_call_below_it_and_no_plumbing(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        assert str(engine(ScriptedLLM(usage=USAGE)).query("정규화란?")) == ANSWER
        turn = the_turn(handler, Retrieval, LLMCall)
        assert (turn.name, turn.inputs, turn.outputs) == ("RetrieverQueryEngine.query", "정규화란?", ANSWER)

    async def test_is_the_same_when_it_is_asynchronous(self, handler: ExamsGraphEventHandler) -> None:
        await engine(ScriptedLLM(usage=USAGE)).aquery(QueryBundle("정규화란?", embedding=[0.5, 0.5]))
        turn = the_turn(handler, Retrieval, LLMCall)
        assert (turn.inputs, turn.outputs) == ("정규화란?", ANSWER)

    def test_that_streams_calls_its_model_when_it_is_read_and_is_still_one_turn(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        response: Any = engine(ScriptedLLM(usage=USAGE), streaming=True).query("정규화란?")
        assert [type(fact) for fact in facts(handler)] == [Retrieval]
        assert "".join(response.response_gen).strip() == ANSWER
        turn = the_turn(handler, Retrieval, LLMCall)
        assert (turn.inputs, str(turn.outputs).strip(), turn.status) == ("정규화란?", ANSWER, "ok")
        (call,) = calls(handler)
        assert (call.streamed, call.input_tokens) == (True, 100)
        assert turn.latency_ms > call.latency_ms

    async def test_that_streams_asynchronously_is_one_turn(self, handler: ExamsGraphEventHandler) -> None:
        response: Any = await engine(ScriptedLLM(usage=USAGE), streaming=True).aquery("정규화란?")
        text = "".join([token async for token in response.async_response_gen()])
        assert text.strip() == ANSWER
        assert the_turn(handler, Retrieval, LLMCall).status == "ok"

    def test_whose_stream_is_abandoned_is_partial_with_its_call(
        self, handler: ExamsGraphEventHandler
    ) -> None:
        response: Any = engine(ScriptedLLM(usage=USAGE), streaming=True).query("정규화란?")
        next(iter(response.response_gen))
        del response
        gc.collect()
        assert the_turn(handler, Retrieval, LLMCall).status == "partial"
        assert calls(handler)[0].status == "partial"

    def test_whose_stream_nobody_reads_is_partial_without_a_call(
        self, handler: ExamsGraphEventHandler
    ) -> None:
        engine(ScriptedLLM(usage=USAGE), streaming=True).query("정규화란?")
        gc.collect()
        assert the_turn(handler, Retrieval).status == "partial"

    def test_whose_stream_fails_is_an_error(self, handler: ExamsGraphEventHandler) -> None:
        llm = ScriptedLLM(failure=ConnectionError("cut"), fail_after=1)
        response: Any = engine(llm, streaming=True).query("정규화란?")
        with pytest.raises(ConnectionError):
            list(response.response_gen)
        turn = the_turn(handler, Retrieval, LLMCall)
        assert (turn.status, turn.error_type) == ("error", "ConnectionError")
        assert calls(handler)[0].status == "partial"

    def test_that_fails_is_an_error_and_the_caller_sees_it_too(self, handler: ExamsGraphEventHandler) -> None:
        with pytest.raises(TimeoutError):
            engine(ScriptedLLM(failure=TimeoutError("too slow"))).query("?")
        turn = the_turn(handler, Retrieval, LLMCall)
        assert (turn.status, turn.error_type, turn.error_message) == ("error", "TimeoutError", "too slow")

    def test_whose_retriever_fails_is_an_error(self, handler: ExamsGraphEventHandler) -> None:
        with pytest.raises(ConnectionError):
            engine(ScriptedLLM(), Shelf(ConnectionError("neo4j is down"))).query("?")
        turn = the_turn(handler, Retrieval)
        assert (turn.status, facts(handler)[0].status) == ("error", "error")

    def test_in_two_threads_at_once_is_two_turns(self, handler: ExamsGraphEventHandler) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(engine(ScriptedLLM(usage=USAGE)).query, [f"{number}" for number in range(40)]))
        turns = [fact for fact in facts(handler) if isinstance(fact, Trace)]
        assert {turn.inputs for turn in turns} == {f"{number}" for number in range(40)}
        for call in calls(handler):
            (turn,) = [turn for turn in turns if turn.run_id == call.parent_run_id]
            assert call.request is not None
            assert f"Query: {turn.inputs}\n" in str(call.request.messages[-1].content)


class TestChatEngine:
    def _engine(self) -> ContextChatEngine:
        # the default memory leaves its database connection to the garbage collector
        memory = ChatMemoryBuffer.from_defaults(token_limit=3000)
        return ContextChatEngine.from_defaults(Shelf(), llm=ScriptedLLM(usage=USAGE), memory=memory)

    def test_is_one_turn(self, handler: ExamsGraphEventHandler) -> None:
        self._engine().chat("정규화란?")
        turn = the_turn(handler, Retrieval, LLMCall)
        assert (turn.name, turn.inputs, turn.outputs) == ("ContextChatEngine.chat", "정규화란?", ANSWER)

    def test_that_streams_from_a_thread_is_one_turn(self, handler: ExamsGraphEventHandler) -> None:
        response = self._engine().stream_chat("정규화란?")
        assert "".join(response.response_gen).strip() == ANSWER
        turn = the_turn(handler, Retrieval, LLMCall)
        assert (turn.inputs, str(turn.outputs).strip()) == ("정규화란?", ANSWER)


class TestWhatIsATurn:
    def test_a_function_of_the_applications_own_that_is_spanned(
        self, handler: ExamsGraphEventHandler
    ) -> None:
        @get_dispatcher().span
        def explain(question: str, level: int) -> str:
            return str(ScriptedLLM(usage=USAGE).complete(question))

        explain("정규화란?", 3)
        turn = the_turn(handler, LLMCall)
        assert (turn.inputs, turn.outputs) == ("정규화란?", ANSWER)
        assert (turn.name or "").endswith("explain")

    def test_one_that_streams_twice_at_once_ends_with_the_last_of_its_streams(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        @get_dispatcher().span
        def explain(question: str) -> Iterator[object]:
            short, long = ScriptedLLM(answer="짧게"), ScriptedLLM(usage=USAGE)
            return (
                pair for pair in zip_longest(short.stream_complete(question), long.stream_complete(question))
            )

        list(explain("정규화란?"))
        turn = the_turn(handler, LLMCall, LLMCall)
        assert (turn.status, str(turn.outputs).strip()) == ("ok", ANSWER)

    def test_a_call_by_itself_is_none(self, handler: ExamsGraphEventHandler) -> None:
        tools = [FunctionTool.from_defaults(look_up)]
        # here LlamaIndex spans a private method, outside the call
        ScriptedLLM(usage=USAGE).chat_with_tools(tools, "정규화란?")
        assert [type(fact) for fact in facts(handler)] == [LLMCall]

    def test_the_steps_of_an_ingestion_are_none(self, handler: ExamsGraphEventHandler) -> None:
        SentenceSplitter()([Document(text="정규화")])
        assert facts(handler) == []
        assert handler.open_runs == 0


def test_chat_messages_that_a_turn_is_given_are_its_inputs(handler: ExamsGraphEventHandler) -> None:
    @get_dispatcher().span
    def explain(messages: Sequence[ChatMessage]) -> ChatMessage:
        answer: ChatMessage = ScriptedLLM().chat(messages).message
        return answer

    explain([ChatMessage("정규화란?"), ChatMessage("쉽게")])
    turn = the_turn(handler, LLMCall)
    assert (turn.inputs, turn.outputs) == (["정규화란?", "쉽게"], ANSWER)
