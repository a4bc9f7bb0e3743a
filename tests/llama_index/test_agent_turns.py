"""Agents and workflows of one's own: a turn is one trace, with each call and tool right below it."""

import asyncio

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.events import LLMCall, Retrieval, ToolCall, Trace
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.llama_index.models import (
    ANSWER,
    USAGE,
    ScriptedLLM,
    agent,
    calls,
    engine,
    facts,
    the_turn,
)


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
