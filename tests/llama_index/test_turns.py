"""Query engines, chat engines and agents: a turn is one trace, its calls and retrievals right below it."""

import asyncio
import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import zip_longest
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.chat_engine import ContextChatEngine
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import Document, QueryBundle
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import instrument_tags

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.events import LLMCall, Retrieval, RunFact, ToolCall, Trace
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.llama_index.models import ANSWER, USAGE, ScriptedLLM, Shelf, calls, facts


def engine(llm: ScriptedLLM, shelf: Shelf | None = None, *, streaming: bool = False) -> RetrieverQueryEngine:
    return RetrieverQueryEngine.from_args(shelf or Shelf(), llm=llm, streaming=streaming)


def look_up(concept: str) -> str:
    """Look a concept up."""
    return f"{concept}: 분해"


def agent(llm: ScriptedLLM, **more: Any) -> FunctionAgent:
    return FunctionAgent(tools=[look_up], llm=llm, **more)


def the_turn(handler: ExamsGraphEventHandler, *below: type[RunFact]) -> Trace:
    """The one trace, all of whose facts are of the kinds `below` it, in that order."""
    *others, turn = facts(handler)
    assert [type(fact) for fact in others] == list(below)
    assert isinstance(turn, Trace)
    assert turn.run_id == turn.trace_id
    assert turn.parent_run_id is None
    for fact in others:
        assert (fact.trace_id, fact.parent_run_id) == (turn.run_id, turn.run_id)
    assert handler.open_runs == 0
    return turn


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


@pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecationWarning")  # in LlamaIndex's workflows
class TestAgent:
    @pytest.mark.parametrize("streaming", [True, False])
    async def test_is_one_turn_with_each_call_and_tool_below_it(
        self,
        streaming: bool,
        handler: ExamsGraphEventHandler,
    ) -> None:
        llm = ScriptedLLM(usage=USAGE, tool_calls={"look_up": {"concept": "정규화"}})
        assert str(await agent(llm, streaming=streaming).run("정규화란?")) == ANSWER
        turn = the_turn(handler, LLMCall, ToolCall, LLMCall)
        assert (turn.name, turn.inputs, turn.outputs) == ("FunctionAgent.run", "정규화란?", ANSWER)
        first, second = calls(handler)
        assert {(call.input_tokens, call.streamed, call.status) for call in (first, second)} == {
            (100, streaming, "ok")
        }
        assert first.request is not None
        (offered,) = first.request.tools
        assert isinstance(offered, dict)
        assert offered["function"]["name"] == "look_up"  # type: ignore[index, call-overload]
        assert second.request is not None
        assert second.request.messages[-1].role == "tool"
        assert second.request.messages[-1].tool_call_id == "call_look_up"
        (tool,) = [fact for fact in facts(handler) if isinstance(fact, ToolCall)]
        assert (tool.name, tool.input, tool.output) == ("look_up", {"concept": "정규화"}, "정규화: 분해")

    async def test_whose_tool_fails_goes_on_and_the_tool_call_is_an_error(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        def look_up(concept: str) -> str:
            """Look a concept up."""
            raise KeyError(concept)

        llm = ScriptedLLM(usage=USAGE, tool_calls={"look_up": {"concept": "정규화"}})
        await FunctionAgent(tools=[look_up], llm=llm).run("정규화란?")
        assert the_turn(handler, LLMCall, ToolCall, LLMCall).status == "ok"
        (tool,) = [fact for fact in facts(handler) if isinstance(fact, ToolCall)]
        assert (tool.status, tool.error_type) == ("error", "KeyError")

    async def test_that_fails_is_an_error(self, handler: ExamsGraphEventHandler) -> None:
        with pytest.raises(TimeoutError):
            await agent(ScriptedLLM(failure=TimeoutError("too slow")), streaming=False).run("?")
        turn = the_turn(handler, LLMCall)
        assert (turn.status, turn.error_type) == ("error", "TimeoutError")

    async def test_a_call_in_a_tool_hangs_below_the_tool(self, handler: ExamsGraphEventHandler) -> None:
        inner = engine(ScriptedLLM(usage=USAGE))

        async def look_up(concept: str) -> str:
            """Look a concept up."""
            return str(await inner.aquery(concept))

        llm = ScriptedLLM(usage=USAGE, tool_calls={"look_up": {"concept": "정규화"}})
        await FunctionAgent(tools=[look_up], llm=llm).run("정규화란?")
        (tool,) = [fact for fact in facts(handler) if isinstance(fact, ToolCall)]
        below = [type(fact) for fact in facts(handler) if fact.parent_run_id == tool.run_id]
        assert below == [Retrieval, LLMCall]
        assert {fact.trace_id for fact in facts(handler)} == {tool.parent_run_id}

    async def test_concurrent_learners_are_not_mixed_up(self, handler: ExamsGraphEventHandler) -> None:
        llm = ScriptedLLM(usage=USAGE, tool_calls={"look_up": {"concept": "정규화"}})

        async def turn(number: int) -> None:
            with tutoring(user_id=f"user_{number}"):
                await agent(llm).run(f"{number}")

        await asyncio.gather(*(turn(number) for number in range(10)))
        users = {fact.run_id: fact.user_id for fact in facts(handler) if isinstance(fact, Trace)}
        assert {(fact.inputs, fact.user_id) for fact in facts(handler) if isinstance(fact, Trace)} == {
            (f"{number}", f"user_{number}") for number in range(10)
        }
        assert all(fact.user_id == users[fact.trace_id or ""] for fact in facts(handler))
        assert len(facts(handler)) == 40

    async def test_so_is_a_workflow_of_ones_own(self, handler: ExamsGraphEventHandler) -> None:
        class Lesson(Workflow):
            @step
            async def explain(self, event: StartEvent) -> StopEvent:
                answer = await ScriptedLLM(usage=USAGE).acomplete(event.get("question"))
                return StopEvent(result={"explanation": answer.text})

        await Lesson().run(question="정규화란?", level=3)
        turn = the_turn(handler, LLMCall)
        assert (turn.inputs, turn.outputs) == ({"question": "정규화란?", "level": 3}, {"explanation": ANSWER})


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


class TestContext:
    def test_tags_beat_the_block_around_which_beats_the_handlers_defaults(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        with ExamsGraphEventHandler(handler.journal, user_id="default", task_type="default") as own:
            handler.detach()
            with tutoring(user_id="block", wrong_concept="정규화"), instrument_tags({"user_id": "tag"}):
                ScriptedLLM().complete("?")
        (call,) = calls(own)
        assert (call.user_id, call.task_type, call.wrong_concept) == ("tag", "default", "정규화")

    def test_a_block_inside_the_turn_is_nearer_than_the_one_outside(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        class Deep(Shelf):
            def _retrieve(self, query_bundle: QueryBundle) -> list[Any]:
                with tutoring(task_type="complex_reasoning"):
                    ScriptedLLM().complete("?")
                return super()._retrieve(query_bundle)

        with tutoring(user_id="user_001", task_type="simple_greeting"):
            engine(ScriptedLLM(), Deep()).query("?")
        inside, outside = calls(handler)
        assert (inside.user_id, inside.task_type) == ("user_001", "complex_reasoning")
        assert (outside.user_id, outside.task_type) == ("user_001", "simple_greeting")

    def test_a_streamed_answer_is_that_of_the_block_in_which_it_was_asked_for(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        with tutoring(user_id="user_001"):
            response: Any = engine(ScriptedLLM(), streaming=True).query("?")
        list(response.response_gen)
        assert {fact.user_id for fact in facts(handler)} == {"user_001"}

    def test_a_thread_that_copied_the_context_is_linked_and_carries_it(
        self,
        handler: ExamsGraphEventHandler,
    ) -> None:
        class Threaded(Shelf):
            def _retrieve(self, query_bundle: QueryBundle) -> list[Any]:
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(copy_context().run, ScriptedLLM().complete, "?").result()
                return super()._retrieve(query_bundle)

        with tutoring(user_id="user_001"):
            Threaded().retrieve("정규화")
        call, retrieval = facts(handler)
        assert (call.parent_run_id, call.user_id) == (retrieval.run_id, "user_001")


def test_chat_messages_that_a_turn_is_given_are_its_inputs(handler: ExamsGraphEventHandler) -> None:
    @get_dispatcher().span
    def explain(messages: Sequence[ChatMessage]) -> ChatMessage:
        answer: ChatMessage = ScriptedLLM().chat(messages).message
        return answer

    explain([ChatMessage("정규화란?"), ChatMessage("쉽게")])
    turn = the_turn(handler, LLMCall)
    assert (turn.inputs, turn.outputs) == (["정규화란?", "쉽게"], ANSWER)
