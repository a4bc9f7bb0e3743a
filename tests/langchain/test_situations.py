"""Every situation in which a call can be made: the facts and the provider's own ledger agree.

The clients are the real ones; the provider is a server of the tests' own that writes down what it
bills. A fact must have the ledger's tokens, and its measured cost must be the list price to the last
digit: the prices here are OpenAI's and Anthropic's published ones, written out by hand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_openai import AzureChatOpenAI, ChatOpenAI, OpenAI

from examsgraph_callbacks.events import LLMCall, Trace
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from examsgraph_callbacks.measure import Meter
from tests.servers.openai_server import Answer, Bill, LedgerServer

# USD per million tokens: input, cached input, cache write, output
PRICES = {
    "gpt-4o-2024-08-06": ("2.50", "1.25", "0", "10.00"),
    "gpt-4o-mini-2024-07-18": ("0.15", "0.075", "0", "0.60"),
    "gpt-3.5-turbo-instruct": ("1.50", "0", "0", "2.00"),
    "o3-mini": ("1.10", "0.55", "0", "4.40"),
    "claude-haiku-4-5-20251001": ("1.00", "0.10", "1.25", "5.00"),
}


def list_price(bill: Bill) -> Decimal:
    """What the provider's price page says the bill comes to (USD)."""
    plain, cached, write, output = (Decimal(price) for price in PRICES[bill.model])
    uncached = bill.input_tokens - bill.cached_tokens - bill.cache_write_tokens
    return (
        uncached * plain
        + bill.cached_tokens * cached
        + bill.cache_write_tokens * write
        + bill.output_tokens * output
    ) / 1_000_000


@dataclass
class World:
    """The real clients, the server they talk to, and the handler that listens."""

    server: LedgerServer
    handler: ExamsGraphCallbackHandler
    client: httpx.Client
    async_client: httpx.AsyncClient
    config: Any = field(init=False)

    def __post_init__(self) -> None:
        self.config = {"callbacks": [self.handler]}

    def _openai(self, **more: Any) -> dict[str, Any]:
        return {
            "base_url": self.server.url,
            "api_key": "not-a-key",
            "max_retries": 0,
            "http_client": self.client,
            "http_async_client": self.async_client,
            **more,
        }

    def chat(self, model: str = "gpt-4o", **more: Any) -> ChatOpenAI:
        return ChatOpenAI(model=model, **self._openai(**more))

    def completion(self, **more: Any) -> OpenAI:
        return OpenAI(model="gpt-3.5-turbo-instruct", **self._openai(**more))

    def azure(self) -> AzureChatOpenAI:
        return AzureChatOpenAI(
            azure_deployment="tutor-eastus",
            api_version="2024-10-21",
            azure_endpoint=self.server.root,
            api_key="not-a-key",
            max_retries=0,
            http_client=self.client,
        )

    def claude(self) -> ChatAnthropic:
        return ChatAnthropic(
            model="claude-haiku-4-5",
            base_url=self.server.root,
            api_key="not-a-key",
            max_retries=0,
        )

    def calls(self) -> list[LLMCall]:
        return [fact for fact in self.handler.journal.read() if isinstance(fact, LLMCall)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with LedgerServer() as server, httpx.Client() as client:
        yield World(server, ExamsGraphCallbackHandler(tmp_path), client, httpx.AsyncClient())


VERDICT = {
    "title": "Verdict",
    "description": "Whether the answer is right.",
    "type": "object",
    "properties": {"verdict": {"type": "string"}},
}

CLAUDE = Answer(
    served_model="claude-haiku-4-5-20251001",
    input_tokens=1000,
    cached_tokens=400,
    cache_write_tokens=300,
)

Work = Callable[[World], Any]


@dataclass(frozen=True)
class Situation:
    """One way to call a model, what the server answers, and how many calls it comes to."""

    name: str
    work: Work
    answers: tuple[Answer, ...] = ()
    calls: int = 1


SITUATIONS = [
    Situation("invoke", lambda w: w.chat().invoke("?", w.config)),
    Situation("stream", lambda w: list(w.chat(stream_usage=True).stream("?", w.config))),
    Situation("batch of 20 in threads", lambda w: w.chat().batch(["?"] * 20, w.config), calls=20),
    Situation(
        "parallel branches",
        lambda w: RunnableParallel(a=w.chat(), b=w.chat("gpt-4o-mini")).invoke("?", w.config),
        calls=2,
    ),
    Situation(
        "cached prompt tokens",
        lambda w: w.chat().invoke("?", w.config),
        (Answer(input_tokens=2000, cached_tokens=1536),),
    ),
    Situation(
        "cached prompt tokens, streamed",
        lambda w: list(w.chat(stream_usage=True).stream("?", w.config)),
        (Answer(input_tokens=2000, cached_tokens=1536),),
    ),
    Situation(
        "reasoning tokens",
        lambda w: w.chat("o3-mini").invoke("?", w.config),
        (Answer(output_tokens=500, reasoning_tokens=448),),
    ),
    Situation(
        "two choices",
        lambda w: w.chat(n=2).generate([[HumanMessage("?")]], callbacks=[w.handler]),
        (Answer(choices=2),),
    ),
    Situation("completion model", lambda w: w.completion().invoke("?", w.config)),
    Situation(
        "Responses API",
        lambda w: w.chat(use_responses_api=True).invoke("?", w.config),
        (Answer(cached_tokens=64, reasoning_tokens=10),),
    ),
    Situation(
        "Responses API, streamed",
        lambda w: list(w.chat(use_responses_api=True).stream("?", w.config)),
        (Answer(cached_tokens=64, reasoning_tokens=10),),
    ),
    Situation(
        "Azure deployment",
        lambda w: w.azure().invoke("?", w.config),
        (Answer(served_model="gpt-4o-mini-2024-07-18"),),
    ),
    Situation("alias", lambda w: w.chat("gpt-4o-mini").invoke("?", w.config)),
    Situation("Claude with cache reads and writes", lambda w: w.claude().invoke("?", w.config), (CLAUDE,)),
    Situation(
        "a tool offered and called",
        lambda w: (
            w.chat()
            .bind_tools([{"type": "function", "function": {"name": "look_up"}}])
            .invoke(
                "?",
                w.config,
            )
        ),
        (Answer(tool=("look_up", {"concept": "정규화"})),),
    ),
    Situation(
        "structured output",
        lambda w: w.chat().with_structured_output(VERDICT).invoke("?", w.config),
        (Answer(text='{"verdict": "맞음"}'),),
    ),
    Situation(
        "handed to a plain thread pool",
        lambda w: ThreadPoolExecutor(2).submit(w.chat().invoke, "?", w.config).result(),
    ),
    Situation(
        "a nested chain",
        lambda w: (
            ChatPromptTemplate.from_template("{q}")
            | w.chat()
            | StrOutputParser()
            | RunnableLambda(lambda text: {"q": text})
            | ChatPromptTemplate.from_template("요약: {q}")
            | w.chat("gpt-4o-mini")
        ).invoke({"q": "정규화"}, w.config),
        calls=2,
    ),
]


def agree(world: World, calls: int) -> None:
    """The facts are the ledger's lines, in tokens, model and exact cost."""
    facts, ledger = world.calls(), world.server.ledger
    assert len(facts) == len(ledger) == calls
    recorded = sorted(
        (
            fact.served_model,
            fact.input_tokens,
            fact.output_tokens,
            fact.cached_tokens or 0,
            fact.cache_write_tokens or 0,
            fact.reasoning_tokens or 0,
            Meter().measure(fact).cost_usd,
        )
        for fact in facts
    )
    billed = sorted(
        (
            bill.model,
            bill.input_tokens,
            bill.output_tokens,
            bill.cached_tokens,
            bill.cache_write_tokens,
            bill.reasoning_tokens,
            list_price(bill),
        )
        for bill in ledger
    )
    assert recorded == billed
    assert {(fact.status, fact.usage_source) for fact in facts} == {("ok", "reported")}
    assert world.handler.open_runs == 0


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_facts_and_ledger_agree(situation: Situation, world: World) -> None:
    world.server.will(*situation.answers)
    situation.work(world)
    agree(world, situation.calls)


async def _consume(stream: Any) -> None:
    async for _ in stream:
        pass


ASYNC_SITUATIONS: list[tuple[str, Callable[[World], Awaitable[Any]], int]] = [
    ("ainvoke", lambda w: w.chat().ainvoke("?", w.config), 1),
    ("astream", lambda w: _consume(w.chat(stream_usage=True).astream("?", w.config)), 1),
    (
        "astream_events",
        lambda w: _consume(w.chat(stream_usage=True).astream_events("?", w.config, version="v2")),
        1,
    ),
    ("abatch of 20", lambda w: w.chat().abatch(["?"] * 20, w.config), 20),
]


@pytest.mark.parametrize(
    ("work", "calls"),
    [situation[1:] for situation in ASYNC_SITUATIONS],
    ids=[situation[0] for situation in ASYNC_SITUATIONS],
)
async def test_facts_and_ledger_agree_on_an_event_loop(
    work: Callable[[World], Awaitable[Any]],
    calls: int,
    world: World,
) -> None:
    async with world.async_client:
        await work(world)
    agree(world, calls)


class TestWhatAServiceTierCosts:
    @pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
    def test_the_tier_is_kept_and_its_details_are_read(self, responses: bool, world: World) -> None:
        world.server.will(Answer(service_tier="flex", cached_tokens=64, reasoning_tokens=8))
        world.chat("o3-mini", service_tier="flex", use_responses_api=responses).invoke("?", world.config)
        (call,) = world.calls()
        assert (call.service_tier, call.cached_tokens, call.reasoning_tokens) == ("flex", 64, 8)


def test_audio_tokens_are_parts_of_the_totals(world: World) -> None:
    world.server.will(Answer(audio_input_tokens=60, audio_output_tokens=12))
    world.chat("gpt-4o-audio-preview").invoke("?", world.config)
    (call,) = world.calls()
    assert (call.input_tokens, call.audio_input_tokens) == (100, 60)
    assert (call.output_tokens, call.audio_output_tokens) == (20, 12)


def test_a_stream_that_reports_no_usage_is_estimated_and_flagged(world: World) -> None:
    # a base_url of one's own makes ChatOpenAI leave the usage out
    list(world.chat().stream("정규화란 무엇인가요?", world.config))
    (call,) = world.calls()
    assert (call.input_tokens, call.usage_source, call.streamed) == (None, None, True)
    measured = Meter().measure(call)
    assert measured.estimated
    assert measured.cost_usd is not None
    assert measured.cost_usd > 0


def test_of_several_prompts_in_one_request_the_first_carries_the_usage(world: World) -> None:
    listening: list[Any] = [world.handler]
    world.completion().generate(["하나", "둘", "셋"], callbacks=listening)
    calls = world.calls()
    assert sorted(call.input_tokens or 0 for call in calls) == [0, 0, 300]
    (bill,) = world.server.ledger
    costs = [Meter().measure(call).cost_usd or Decimal(0) for call in calls]
    assert sum(costs) == list_price(bill)


def test_a_streaming_completion_without_usage_is_not_free(world: World) -> None:
    world.completion(streaming=True).invoke("정규화란?", world.config)
    (call,) = world.calls()
    assert (call.input_tokens, call.usage_source) == (None, None)
    measured = Meter().measure(call)
    assert measured.estimated
    assert measured.cost_usd


def test_a_claude_stream_that_says_its_input_only_first_has_its_output_and_an_estimate(world: World) -> None:
    world.server.will(CLAUDE)
    list(world.claude().stream("정규화란?", world.config))
    (call,) = world.calls()
    assert (call.served_model, call.input_tokens, call.output_tokens) == (CLAUDE.served_model, None, 20)
    measured = Meter().measure(call)
    assert measured.estimated
    assert measured.input_tokens
    assert measured.output_tokens == 20


def test_an_unknown_model_is_unpriced_with_a_reason_and_never_free(world: World) -> None:
    world.chat("kt-mi-deum-2.0").invoke("?", world.config)
    (call,) = world.calls()
    measured = Meter().measure(call)
    assert (measured.cost_usd, measured.input_tokens) == (None, 100)
    assert measured.unpriced_reason is not None
    assert "kt-mi-deum-2.0" in measured.unpriced_reason


def test_a_hit_in_langchains_cache_is_billed_nothing_and_keeps_what_it_saved(world: World) -> None:
    from langchain_core.caches import InMemoryCache

    model = world.chat(cache=InMemoryCache())
    model.invoke("?", world.config)
    model.invoke("?", world.config)
    first, second = world.calls()
    assert (first.status, first.usage_source) == ("ok", "reported")
    assert (second.status, second.usage_source) == ("cache_hit", "cache_hit")
    assert (second.input_tokens, second.output_tokens) == (100, 20)
    assert Meter().measure(second).cost_usd == 0
    assert len(world.server.ledger) == 1


def test_a_failed_attempt_before_a_fallback_is_a_fact_of_its_own(world: World) -> None:
    world.server.will(Answer(status=500))
    world.chat().with_fallbacks([world.chat("gpt-4o-mini")]).invoke("?", world.config)
    failed, answered = world.calls()
    assert (failed.requested_model, failed.status, failed.input_tokens) == ("gpt-4o", "error", None)
    assert (answered.requested_model, answered.status) == ("gpt-4o-mini", "ok")
    assert failed.trace_id == answered.trace_id


def test_each_retry_is_a_fact(world: World) -> None:
    world.server.will(Answer(status=500), Answer(status=500))
    retrying = world.chat().with_retry(stop_after_attempt=3, wait_exponential_jitter=False)
    retrying.invoke("?", world.config)
    assert [call.status for call in world.calls()] == ["error", "error", "ok"]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_an_http_error_is_an_error_whose_usage_is_unknown(status: int, world: World) -> None:
    world.server.will(Answer(status=status))
    with pytest.raises(Exception, match=str(status)):
        world.chat().invoke("?", world.config)
    (call,) = world.calls()
    assert (call.status, call.input_tokens, call.usage_source) == ("error", None, None)
    assert call.error_type
    assert Meter().measure(call).cost_usd is None


def test_a_stream_that_breaks_off_is_partial_and_estimated(world: World) -> None:
    world.server.will(Answer(cut_after=4))
    with pytest.raises(httpx.RemoteProtocolError):
        list(world.chat(stream_usage=True).stream("정규화란?", world.config))
    (call,) = world.calls()
    assert (call.status, call.error_type) == ("partial", "RemoteProtocolError")
    assert call.answer is not None
    assert str(call.answer[0].content).startswith("정규화는")
    assert Meter().measure(call).estimated


def test_work_in_a_thread_that_did_not_copy_the_context_is_recorded_as_its_own_trace(world: World) -> None:
    def step(question: str) -> Any:
        # a plain pool knows nothing of the chain around it, so the handler has to be named
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(world.chat().invoke, question, world.config).result()

    RunnableLambda(step).invoke("?", world.config)
    (call,) = world.calls()
    (trace,) = [fact for fact in world.handler.journal.read() if isinstance(fact, Trace)]
    assert call.trace_id != trace.trace_id


async def test_a_cancelled_call_over_http_is_recorded_once(world: World) -> None:
    world.server.default = Answer(delay_seconds=5)
    async with world.async_client:
        task = asyncio.create_task(world.chat().ainvoke("?", world.config))
        await asyncio.to_thread(world.server.asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (call,) = world.calls()
    assert (call.status, call.error_type) == ("error", "CancelledError")
