"""LangChain under autolog: every run becomes the facts that an attached handler would write, once."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_core.tracers import context as langchain_hooks
from langchain_openai import ChatOpenAI

from examsgraph_callbacks import Journal, autolog, tutoring
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Fact, LLMCall, ToolCall, Trace
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.models import ScriptedModel
from tests.servers.openai_server import Answer, LedgerServer

MODEL = ScriptedModel()


def facts(journal: Journal) -> list[Fact]:
    return list(journal.read())


def test_a_call_with_nothing_attached_is_recorded(journal: Journal) -> None:
    with tutoring(user_id="user_001"):
        MODEL.invoke("정규화란?")

    (call,) = facts(journal)
    assert isinstance(call, LLMCall)
    assert (call.requested_model, call.user_id) == ("gpt-4o", "user_001")


def test_a_thread_that_knows_nothing_of_the_context_is_recorded_too(journal: Journal) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(MODEL.invoke, ["?"] * 12))

    assert [fact.kind for fact in facts(journal)] == ["llm_call"] * 12


async def test_new_tasks_are_recorded_too(journal: Journal) -> None:
    await asyncio.gather(*(asyncio.create_task(MODEL.ainvoke("?")) for _ in range(12)))

    assert [fact.kind for fact in facts(journal)] == ["llm_call"] * 12


def test_runs_that_come_first_at_once_are_all_recorded(journal: Journal) -> None:
    for number in range(20):
        # the handler is made anew by the first run
        autolog(journal, task_type=f"task_{number}")
        together = Barrier(8)

        def ask(_: int, together: Barrier = together) -> None:
            together.wait(10)
            MODEL.invoke("?")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, range(8)))

    counts = Counter(fact.task_type for fact in facts(journal))
    assert counts == {f"task_{number}": 8 for number in range(20)}


def test_a_chain_is_one_trace_with_its_call_below_it(journal: Journal) -> None:
    (RunnableLambda(lambda question: question) | MODEL | StrOutputParser()).invoke("?")

    call, trace = facts(journal)
    assert isinstance(call, LLMCall)
    assert isinstance(trace, Trace)
    assert call.parent_run_id == trace.run_id


def test_calls_in_the_nodes_of_a_graph_stand_in_its_trace(journal: Journal) -> None:
    @tool
    def look_up(concept: str) -> str:
        """Look a concept up."""
        return concept

    with LedgerServer() as server:
        server.will(Answer(tool=("look_up", {"concept": "정규화"})))
        model = ChatOpenAI(model="gpt-4o", base_url=server.url, api_key="not-a-key", max_retries=0)
        create_agent(model, [look_up]).invoke({"messages": [{"role": "user", "content": "?"}]})

    recorded = facts(journal)
    assert sorted(fact.kind for fact in recorded) == ["llm_call", "llm_call", "tool_call", "trace"]
    assert len({fact.trace_id for fact in recorded}) == 1
    assert {fact.langgraph_node for fact in recorded if isinstance(fact, LLMCall | ToolCall)} == {
        "model",
        "tools",
    }


class TestAHandlerAttachedByHandToo:
    def test_on_the_call_it_records_it_alone(self, journal: Journal, tmp_path: Path) -> None:
        by_hand = ExamsGraphCallbackHandler(tmp_path / "by hand")
        MODEL.invoke("?", {"callbacks": [by_hand]})
        MODEL.invoke("?", {"callbacks": [ExamsGraphCallbackHandler(journal)]})

        assert [fact.kind for fact in facts(by_hand.journal)] == ["llm_call"]
        assert [fact.kind for fact in facts(journal)] == ["llm_call"]

    @pytest.mark.parametrize("way", ["on the model", "bound to the model", "in the inner call"])
    def test_within_a_chain_each_run_is_one_fact_of_one_trace(self, journal: Journal, way: str) -> None:
        by_hand = ExamsGraphCallbackHandler(journal, user_id="user_of_the_handler")
        model: Any = {
            "on the model": ScriptedModel(callbacks=[by_hand]),
            "bound to the model": MODEL.with_config(callbacks=[by_hand]),
            "in the inner call": RunnableLambda(
                lambda question: MODEL.invoke(question, {"callbacks": [by_hand]})
            ),
        }[way]
        (RunnableLambda(lambda question: question) | model).invoke("?")

        call, trace = facts(journal)
        assert isinstance(call, LLMCall)
        assert isinstance(trace, Trace)
        assert (call.trace_id, call.parent_run_id) == (trace.run_id, trace.run_id)
        assert (call.user_id, trace.user_id) == ("user_of_the_handler", None)

    def test_what_the_nearer_handler_withholds_is_withheld(self, journal: Journal) -> None:
        strict = ExamsGraphCallbackHandler(journal, redact=lambda _text: "[WITHHELD]")
        (RunnableLambda(lambda question: question) | ScriptedModel(callbacks=[strict])).invoke("?")

        call, _trace = facts(journal)
        assert isinstance(call, LLMCall)
        assert call.request is not None
        assert call.request.messages[0].content == "[WITHHELD]"

    async def test_a_stream_is_one_fact_too(self, journal: Journal) -> None:
        model = ScriptedModel(callbacks=[ExamsGraphCallbackHandler(journal)])
        _ = [chunk async for chunk in (RunnableLambda(lambda question: question) | model).astream("?")]

        call, trace = facts(journal)
        assert isinstance(call, LLMCall)
        assert isinstance(trace, Trace)
        assert call.streamed


class TestSwitching:
    def test_twice_is_as_once(self, journal: Journal) -> None:
        autolog(journal)
        autolog(journal.path)
        MODEL.invoke("?")

        assert len(facts(journal)) == 1

    def test_arguments_may_change(self, journal: Journal, tmp_path: Path) -> None:
        autolog(tmp_path / "other", user_id="user_001", task_type="simple_greeting")
        MODEL.invoke("?")

        (call,) = facts(Journal(tmp_path / "other"))
        assert (call.user_id, call.task_type) == ("user_001", "simple_greeting")
        assert facts(journal) == []

    def test_a_redactor_of_ones_own_is_applied(self, journal: Journal) -> None:
        autolog(journal, redact=lambda text: text.replace("비밀", "[비밀]"))
        MODEL.invoke("비밀")

        (call,) = facts(journal)
        assert isinstance(call, LLMCall)
        assert call.request is not None
        assert call.request.messages[0].content == "[비밀]"

    def test_disabled_nothing_is_recorded_until_it_is_on_again(self, journal: Journal) -> None:
        autolog(disable=True)
        MODEL.invoke("?")
        assert facts(journal) == []

        autolog(journal)
        MODEL.invoke("?")
        assert len(facts(journal)) == 1

    def test_a_run_in_flight_when_it_is_disabled_is_still_recorded(self, journal: Journal) -> None:
        stream = MODEL.stream("?")
        next(stream)
        autolog(disable=True)
        list(stream)

        assert [fact.kind for fact in facts(journal)] == ["llm_call"]

    def test_a_wrong_argument_is_refused_and_changes_nothing(self, journal: Journal, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.touch()
        with pytest.raises(InvalidInputError, match="expected a directory for the journal"):
            autolog(file)
        with pytest.raises(InvalidInputError, match="expected text for user_id"):
            autolog(user_id=7)  # type: ignore[arg-type]
        MODEL.invoke("?")

        assert len(facts(journal)) == 1

    def test_runs_and_switches_leave_no_hook_and_no_handler_behind(self, journal: Journal) -> None:
        hooks = len(langchain_hooks._configure_hooks)
        for number in range(1000):
            if number % 100 == 0:
                autolog(disable=True)
                autolog(journal)
            MODEL.invoke("?")

        assert len(langchain_hooks._configure_hooks) == hooks
        assert len(facts(journal)) == 1000
