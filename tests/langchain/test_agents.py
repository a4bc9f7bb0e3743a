"""Agents and graphs on LangGraph: one trace, by node; to pause or redirect the graph is no error."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

from examsgraph_callbacks.events import LLMCall, RunFact, ToolCall, Trace
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.ledger import World, agree
from tests.servers.openai_server import Answer, LedgerServer


@tool
def look_up(concept: str) -> str:
    """Look a concept up."""
    return f"{concept}: 릴레이션을 분해하는 과정"


@tool
def ask_the_teacher(question: str) -> str:
    """Ask a human."""
    return str(interrupt(question))


@pytest.fixture
def server() -> Iterator[LedgerServer]:
    with LedgerServer() as server:
        yield server


@pytest.fixture
def handler(tmp_path: Path) -> ExamsGraphCallbackHandler:
    return ExamsGraphCallbackHandler(tmp_path)


@pytest.fixture
def model(server: LedgerServer) -> Iterator[ChatOpenAI]:
    with httpx.Client() as client:
        yield ChatOpenAI(
            model="gpt-4o",
            base_url=server.url,
            api_key="not-a-key",
            max_retries=0,
            http_client=client,
        )


def facts(handler: ExamsGraphCallbackHandler) -> list[RunFact]:
    return [fact for fact in handler.journal.read() if isinstance(fact, RunFact)]


def ask(agent: Any, question: Any, handler: ExamsGraphCallbackHandler) -> Any:
    config = {"callbacks": [handler], "configurable": {"thread_id": "lesson"}}
    return agent.invoke(question, config)


QUESTION = {"messages": [("user", "정규화란?")]}


def test_a_tool_calling_loop_is_one_trace_of_two_calls_and_a_tool(
    server: LedgerServer,
    model: ChatOpenAI,
    handler: ExamsGraphCallbackHandler,
) -> None:
    server.will(Answer(tool=("look_up", {"concept": "정규화"})))
    ask(create_agent(model, [look_up]), QUESTION, handler)

    first, tool_call, second, trace = facts(handler)
    assert isinstance(first, LLMCall)
    assert isinstance(tool_call, ToolCall)
    assert isinstance(second, LLMCall)
    assert isinstance(trace, Trace)
    assert {fact.trace_id for fact in facts(handler)} == {trace.run_id}
    assert {fact.parent_run_id for fact in (first, tool_call, second)} == {trace.run_id}
    assert (first.langgraph_node, tool_call.langgraph_node) == ("model", "tools")
    assert first.answer is not None
    assert first.answer[0].tool_calls == (
        {"name": "look_up", "args": {"concept": "정규화"}, "id": "call_1", "type": "tool_call"},
    )
    assert second.request is not None
    assert [message.role for message in second.request.messages] == ["user", "assistant", "tool"]
    assert second.request.messages[2].tool_call_id == "call_1"
    assert (tool_call.name, tool_call.input) == ("look_up", {"concept": "정규화"})
    assert len(server.ledger) == 2
    assert handler.open_runs == 0


def test_pausing_for_a_human_is_not_an_error(
    server: LedgerServer,
    model: ChatOpenAI,
    handler: ExamsGraphCallbackHandler,
) -> None:
    agent = create_agent(model, [ask_the_teacher], checkpointer=InMemorySaver())
    server.will(Answer(tool=("ask_the_teacher", {"question": "맞나요?"})))
    assert "__interrupt__" in ask(agent, QUESTION, handler)
    ask(agent, Command(resume="네"), handler)
    assert {(fact.status, fact.error_type) for fact in facts(handler)} == {("ok", None)}
    assert [fact.kind for fact in facts(handler)] == [
        "llm_call",
        "tool_call",
        "trace",
        "tool_call",
        "llm_call",
        "trace",
    ]
    assert handler.open_runs == 0


async def test_a_streamed_agent_has_first_tokens_and_usage(
    server: LedgerServer,
    handler: ExamsGraphCallbackHandler,
) -> None:
    server.will(Answer(tool=("look_up", {"concept": "정규화"})))
    async with httpx.AsyncClient() as client:
        model = ChatOpenAI(
            model="gpt-4o",
            base_url=server.url,
            api_key="not-a-key",
            stream_usage=True,
            http_async_client=client,
        )
        agent: Any = create_agent(model, [look_up])
        async for _ in agent.astream(QUESTION, {"callbacks": [handler]}, stream_mode="messages"):
            pass
    calls = [fact for fact in facts(handler) if isinstance(fact, LLMCall)]
    assert [(call.input_tokens, call.output_tokens, call.streamed) for call in calls] == [(100, 20, True)] * 2
    # the first answer is a tool call alone: its first token is the call's
    assert all(call.time_to_first_token_ms for call in calls)


class State(TypedDict, total=False):
    """What the graph below hands on."""

    question: str
    answer: str


def graph(the_world: World, **nodes: Any) -> Any:
    """A graph whose nodes follow each other."""
    builder = StateGraph(State)
    before = START
    for name, node in nodes.items():
        builder.add_node(name, node)
        if not name.startswith("aside"):
            builder.add_edge(before, name)
            before = name
    builder.add_edge(before, END)
    return builder.compile(checkpointer=InMemorySaver())


def configured(the_world: World) -> Any:
    return the_world.config | {"configurable": {"thread_id": "lesson"}}


def nodes_of(the_world: World) -> list[str | None]:
    return [call.langgraph_node for call in the_world.calls()]


class TestAGraphOfOnesOwn:
    async def test_each_call_says_in_which_node_it_was_made_sync_and_async(self, the_world: World) -> None:
        def explain(state: State) -> State:
            return {"answer": str(the_world.chat().invoke(state["question"]).content)}

        async def check(state: State) -> State:
            # on Python 3.11 and later LangGraph carries its config into coroutines
            return {"answer": str((await the_world.chat().ainvoke(state["answer"])).content)}

        await graph(the_world, explain=explain, check=check).ainvoke(
            {"question": "정규화란?"}, configured(the_world)
        )
        await the_world.aclose()
        billed = agree(the_world, 2)
        assert nodes_of(the_world) == ["explain", "check"]
        (turn,) = the_world.turns()
        assert {call.parent_run_id for call in billed} == {turn.run_id}

    def test_branches_that_run_at_once_stand_in_one_trace(self, the_world: World) -> None:
        def explain(state: State) -> None:
            the_world.chat().invoke(state["question"])

        builder = StateGraph(State)
        builder.add_node("explain", explain)
        builder.add_conditional_edges(START, lambda _: [Send("explain", {"question": "?"})] * 5)
        builder.compile().invoke({"question": "정규화란?"}, the_world.config)
        agree(the_world, 5)
        assert nodes_of(the_world) == ["explain"] * 5
        assert len({call.trace_id for call in the_world.calls()}) == 1

    async def test_one_within_another_that_sends_its_parent_on_is_no_error(self, the_world: World) -> None:
        def explain(state: State) -> Command[Any]:
            the_world.chat().invoke(state["question"])
            # to its parent LangGraph raises it
            return Command(goto="aside", graph=Command.PARENT, update={"answer": "다음"})

        def aside(state: State) -> None:
            the_world.chat("gpt-4o-mini").invoke(state["answer"])

        inner = graph(the_world, explain=explain)
        outer = graph(the_world, inner=inner, aside=aside)
        await outer.ainvoke({"question": "정규화란?"}, configured(the_world))
        agree(the_world, 2)
        assert nodes_of(the_world) == ["explain", "aside"]
        assert {(fact.status, fact.error_type) for fact in the_world.facts()} == {("ok", None)}

    @pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
    async def test_one_that_pauses_and_goes_on_is_two_turns_without_an_error(
        self, way: str, the_world: World
    ) -> None:
        def ask(state: State) -> State:
            the_world.chat().invoke(state["question"])
            return {"answer": interrupt("맞나요?")}

        def check(state: State) -> None:
            the_world.chat("gpt-4o-mini").invoke(state["answer"])

        pausing = graph(the_world, ask=ask, check=check)
        asked: list[Any] = [{"question": "정규화란?"}, Command(resume="네")]
        for given in asked:
            match way:
                case "invoke":
                    pausing.invoke(given, configured(the_world))
                case "stream":
                    list(pausing.stream(given, configured(the_world)))
                case "ainvoke":
                    await pausing.ainvoke(given, configured(the_world))
                case "astream":
                    _ = [chunk async for chunk in pausing.astream(given, configured(the_world))]
        # a node that was paused is run again from its beginning
        agree(the_world, 3)
        assert nodes_of(the_world) == ["ask", "ask", "check"]
        assert [(turn.status, turn.error_type) for turn in the_world.turns()] == [("ok", None)] * 2

    def test_an_error_in_it_is_one_though(self, the_world: World) -> None:
        def explain(state: State) -> None:
            the_world.chat().invoke(state["question"])
            raise KeyError("정규화")

        with pytest.raises(KeyError):
            graph(the_world, explain=explain).invoke({"question": "?"}, configured(the_world))
        agree(the_world, 1)
        assert [(turn.status, turn.error_type) for turn in the_world.turns()] == [("error", "KeyError")]

    def test_so_is_a_loop_without_an_end(self, the_world: World) -> None:
        the_world.server.default = Answer(tool=("look_up", {"concept": "정규화"}))
        agent: Any = create_agent(the_world.chat(), [look_up])
        with pytest.raises(GraphRecursionError):
            agent.invoke(QUESTION, the_world.config | {"recursion_limit": 4})
        (turn,) = the_world.turns()
        assert (turn.status, turn.error_type) == ("error", "GraphRecursionError")
        agree(the_world, 2)
