"""Agents on LangGraph: calls and tools stand in one trace, and pausing for a human is no error."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from examsgraph_callbacks.events import LLMCall, RunFact, ToolCall, Trace
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
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
