"""Every situation in which a model can be called, in each way of calling it: facts and ledger agree.

The clients are the real ones; the provider is a server of the tests' own that writes down what it
bills. A fact must have the ledger's tokens, its measured cost must be the list price to the last digit,
and it must say for whom, in which trace, how long and by which model, asked for and served.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel, RunnablePassthrough
from langchain_core.tools import tool

from examsgraph_callbacks.events import LLMCall, Retrieval, ToolCall
from tests.langchain.ledger import World, agree
from tests.servers.openai_server import Answer

__all__ = ["CLAUDE", "KEPT", "acall", "call"]

VERDICT = {
    "title": "Verdict",
    "description": "Whether the answer is right.",
    "type": "object",
    "properties": {"verdict": {"type": "string"}},
}
CALLS_A_TOOL = Answer(tool=("look_up", {"concept": "정규화"}))
CLAUDE = Answer(
    served_model="claude-haiku-4-5-20251001",
    input_tokens=1000,
    cached_tokens=400,
    cache_write_tokens=300,
)
FOR_AN_HOUR = {"type": "ephemeral", "ttl": "1h"}
KEPT = {"type": "text", "text": "당신은 튜터입니다.", "cache_control": FOR_AN_HOUR}
KEPT_TOOL = {
    "name": "look_up",
    "description": "Look a concept up.",
    "input_schema": {"type": "object", "properties": {"concept": {"type": "string"}}},
    "cache_control": FOR_AN_HOUR,
}


@tool
def look_up(concept: str) -> str:
    """Look a concept up."""
    return f"{concept}: 릴레이션을 분해하는 과정"


class Shelf(BaseRetriever):
    """Finds one document."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(page_content="원자값", metadata={"score": 0.92}, id="1nf")]


def tutor(model: Runnable[Any, Any], mini: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """Two calls, one on the other's answer, and a retriever."""
    return (
        {"context": Shelf(), "question": RunnablePassthrough()}
        | ChatPromptTemplate.from_template("{question}\n{context}")
        | model
        | StrOutputParser()
        | RunnableLambda(lambda text: {"q": text})
        | ChatPromptTemplate.from_template("요약: {q}")
        | mini
    )


@dataclass(frozen=True)
class Situation:
    """What is called, what the server answers each time, and to how many calls it comes."""

    name: str
    runnable: Callable[[World], Runnable[Any, Any]]
    answers: tuple[Answer, ...] = (Answer(),)
    requested: tuple[str, ...] = ("gpt-4o",)
    provider: str = "openai"
    failed: int = 0
    streams: bool = True
    """Whether the model streams where the runnable does."""
    ways: tuple[str, ...] = ("invoke", "stream", "batch", "ainvoke", "astream", "astream_events", "abatch")
    question: Any = "정규화란?"

    @property
    def calls(self) -> int:
        return len(self.answers) - self.failed


def tiered(tier: str, *, responses: bool) -> Situation:
    return Situation(
        f"the {tier} tier{', Responses API' if responses else ''}",
        lambda w: w.chat("gpt-5-mini", service_tier=tier, use_responses_api=responses),
        (Answer(service_tier=tier, cached_tokens=64, reasoning_tokens=8),),
        ("gpt-5-mini",),
    )


SITUATIONS = [
    Situation("a call", lambda w: w.chat()),
    Situation(
        "an alias",
        lambda w: w.chat("gpt-4o-mini"),
        requested=("gpt-4o-mini",),
    ),
    Situation(
        "parallel branches",
        lambda w: RunnableParallel(a=w.chat(), b=w.chat("gpt-4o-mini")),
        (Answer(input_tokens=11), Answer(input_tokens=12)),
        ("gpt-4o", "gpt-4o-mini"),
    ),
    Situation("cached prompt tokens", lambda w: w.chat(), (Answer(input_tokens=2000, cached_tokens=1536),)),
    Situation(
        "reasoning tokens",
        lambda w: w.chat("o3-mini"),
        (Answer(output_tokens=500, reasoning_tokens=448),),
        ("o3-mini",),
    ),
    Situation(
        "audio in and out",
        lambda w: w.chat("gpt-audio"),
        (Answer(audio_input_tokens=60, audio_output_tokens=12),),
        ("gpt-audio",),
    ),
    *(
        tiered(tier, responses=responses)
        for tier in ("default", "flex", "priority")
        for responses in (False, True)
    ),
    Situation(
        "two choices",
        lambda w: w.chat(n=2),
        (Answer(choices=2),),
        ways=("invoke", "batch", "ainvoke", "abatch"),
    ),
    Situation(
        "a completion model",
        lambda w: w.completion(),
        requested=("gpt-3.5-turbo-instruct",),
        # a batch is one request of several prompts, and streams report no usage to langchain-openai
        ways=("invoke", "ainvoke"),
    ),
    Situation(
        "two choices of a completion model",
        lambda w: w.completion(n=2, best_of=2),
        (Answer(choices=2),),
        ("gpt-3.5-turbo-instruct",),
        ways=("invoke", "ainvoke"),
    ),
    Situation(
        "Responses API",
        lambda w: w.chat(use_responses_api=True),
        (Answer(cached_tokens=64, reasoning_tokens=10),),
    ),
    Situation(
        "Azure deployment",
        lambda w: w.azure(),
        (Answer(served_model="gpt-4o-mini-2024-07-18"),),
        ("tutor-eastus",),
        "azure",
    ),
    Situation(
        "Claude with cache reads and writes",
        lambda w: w.claude(),
        (CLAUDE,),
        ("claude-haiku-4-5",),
        "anthropic",
    ),
    *(
        Situation(
            f"Claude with cache writes for an hour, asked for {where}",
            runnable,
            (replace(CLAUDE, cache_write_1h_tokens=300),),
            ("claude-haiku-4-5",),
            "anthropic",
            question=question,
        )
        for where, runnable, question in (
            ("as a whole", lambda w: w.claude().bind(cache_control=FOR_AN_HOUR), "정규화란?"),
            ("in a message", lambda w: w.claude(), [("system", [KEPT]), ("user", "정규화란?")]),
            ("with a tool", lambda w: w.claude().bind_tools([KEPT_TOOL]), "정규화란?"),
        )
    ),
    Situation(
        "Claude with cache writes of both lifetimes",
        lambda w: w.claude().bind(cache_control={"type": "ephemeral"}),
        (replace(CLAUDE, cache_write_1h_tokens=200),),
        ("claude-haiku-4-5",),
        "anthropic",
        question=[("system", [KEPT]), ("user", "정규화란?")],
        # a stream tells them apart in its first event only, which langchain-anthropic passes over: see
        # test_failed_and_unreported.py
        ways=("invoke", "batch", "ainvoke", "abatch"),
    ),
    Situation("a tool offered and called", lambda w: w.chat().bind_tools([look_up]), (CALLS_A_TOOL,)),
    Situation(
        "structured output",
        lambda w: w.chat().with_structured_output(VERDICT),
        (Answer(text='{"verdict": "맞음"}'),),
        streams=False,
    ),
    Situation(
        "a chain with a retriever and two models",
        lambda w: tutor(w.chat(), w.chat("gpt-4o-mini")),
        (Answer(input_tokens=11), Answer(input_tokens=12)),
        ("gpt-4o", "gpt-4o-mini"),
        streams=False,
    ),
    Situation(
        "a fallback after a failure",
        lambda w: w.chat().with_fallbacks([w.chat("gpt-4o-mini")]),
        (Answer(status=500), Answer()),
        ("gpt-4o", "gpt-4o-mini"),
        failed=1,
    ),
    Situation(
        "an agent with a tool",
        lambda w: create_agent(w.chat(), [look_up]),
        (CALLS_A_TOOL, Answer(input_tokens=180)),
        streams=False,
        question={"messages": [("user", "정규화란?")]},
    ),
]


def call(way: str, runnable: Runnable[Any, Any], question: Any, config: Any) -> None:
    match way:
        case "invoke":
            runnable.invoke(question, config)
        case "stream":
            list(runnable.stream(question, config))
        case "batch":
            runnable.batch([question] * 20, config)


async def acall(way: str, runnable: Runnable[Any, Any], question: Any, config: Any) -> None:
    match way:
        case "ainvoke":
            await runnable.ainvoke(question, config)
        case "astream":
            await _consume(runnable.astream(question, config))
        case "astream_events":
            await _consume(runnable.astream_events(question, config, version="v2"))
        case "abatch":
            await runnable.abatch([question] * 20, config)


async def _consume(stream: AsyncIterator[Any]) -> None:
    async for _ in stream:
        pass


def as_it_was(situation: Situation, way: str, the_world: World) -> None:
    """What the ledger does not know of the calls is true too."""
    times = 20 if "batch" in way else 1
    billed = agree(the_world, situation.calls * times, failed=situation.failed * times)
    calls = the_world.calls()
    assert {call.provider for call in calls} == {situation.provider}
    assert {call.requested_model for call in calls} == set(situation.requested)
    if situation.streams:
        assert {call.streamed for call in billed} == {"stream" in way}
    failures = [call for call in calls if call.status == "error"]
    assert len(failures) == situation.failed * times
    assert all(call.error_type and call.input_tokens is None for call in failures)
    for retrieval in (fact for fact in the_world.facts() if isinstance(fact, Retrieval)):
        assert retrieval.documents[0].score == 0.92
    if situation.name == "an agent with a tool":
        (turn,) = the_world.turns()
        nodes = [fact.langgraph_node for fact in the_world.facts() if isinstance(fact, LLMCall | ToolCall)]
        assert nodes == ["model", "tools", "model"]
        assert {fact.parent_run_id for fact in the_world.facts() if fact is not turn} <= {None, turn.run_id}


def queued(situation: Situation, way: str) -> Sequence[Answer]:
    return situation.answers * (20 if "batch" in way else 1)


# in a batch answers are handed out as requests come: a row of different ones would be mixed up
BATCHED = [situation for situation in SITUATIONS if len(situation.answers) == 1]


def each(ways: Sequence[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("way", "situation"),
        [
            pytest.param(way, situation, id=f"{way}: {situation.name}")
            for way in ways
            for situation in (BATCHED if "batch" in way else SITUATIONS)
            if way in situation.ways
        ],
    )


@each(["invoke", "stream", "batch"])
def test_facts_and_ledger_agree(way: str, situation: Situation, the_world: World) -> None:
    the_world.server.will(*queued(situation, way))
    call(way, situation.runnable(the_world), situation.question, the_world.config)
    as_it_was(situation, way, the_world)


@each(["ainvoke", "astream", "astream_events", "abatch"])
async def test_facts_and_ledger_agree_on_an_event_loop(
    way: str, situation: Situation, the_world: World
) -> None:
    the_world.server.will(*queued(situation, way))
    try:
        await acall(way, situation.runnable(the_world), situation.question, the_world.config)
    finally:
        await the_world.aclose()
    as_it_was(situation, way, the_world)
