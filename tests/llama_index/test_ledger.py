"""LlamaIndex's real clients over HTTP: facts agree with the provider's own ledger, to the exact cost.

The provider is a server of the tests' own that writes down what it bills.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai import OpenAI, OpenAIResponses
from llama_index.llms.openai_like import OpenAILike  # type: ignore[import-untyped]
from workflows.errors import WorkflowCancelledByUser

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.events import LLMCall, Trace
from examsgraph_callbacks.failures import failures
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from examsgraph_callbacks.measure import Meter
from tests.llama_index.models import Shelf, calls, facts, only_call
from tests.llama_index.test_calls import METHODS, call
from tests.llama_index.test_recordings import needs_anthropic
from tests.servers.openai_server import Answer, Bill, LedgerServer
from tests.servers.prices import list_price

CONTEXT = {
    "user_id": "user_001",
    "session_id": "session_1",
    "question_id": "q_001",
    "task_type": "complex_reasoning",
}
STREAMS_WITH_USAGE = {"stream_options": {"include_usage": True}}
SLOWLY = Answer(pace_seconds=0.01)


@dataclass
class Provider:
    """The server, and real clients of it."""

    server: LedgerServer
    http: httpx.Client
    ahttp: httpx.AsyncClient
    _claudes: list[Any] = field(default_factory=list)

    def _openai(self, **more: Any) -> dict[str, Any]:
        return {
            "api_base": self.server.url,
            "api_key": "not-a-key",
            "max_retries": 0,
            "http_client": self.http,
            "async_http_client": self.ahttp,
            "additional_kwargs": STREAMS_WITH_USAGE,
            **more,
        }

    def chat(self, model: str = "gpt-4o", **more: Any) -> Any:
        return OpenAI(model=model, **self._openai(**more))

    def completion(self) -> Any:
        # a limit of its own, or it counts with tiktoken, which downloads its ranks
        return OpenAI(model="gpt-3.5-turbo-instruct", max_tokens=256, **self._openai())

    def responses(self) -> Any:
        return OpenAIResponses(model="gpt-4o", **self._openai(additional_kwargs={}))

    def like(self, model: str = "gpt-4o-mini", **more: Any) -> Any:
        return OpenAILike(model=model, is_chat_model=True, **self._openai(**more))

    def claude(self) -> Any:
        claude = Anthropic(
            model="claude-haiku-4-5", base_url=self.server.root, api_key="not-a-key", max_retries=0
        )
        self._claudes.append(claude)
        return claude

    async def aclose(self) -> None:
        for claude in self._claudes:
            claude._client.close()
            await claude._aclient.close()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    # nothing to verify over plain HTTP, and loading certificates takes most of a test's time
    with LedgerServer() as server, httpx.Client(verify=False) as http:
        async with httpx.AsyncClient(verify=False) as ahttp:
            provider = Provider(server, http, ahttp)
            yield provider
            await provider.aclose()


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[ExamsGraphEventHandler]:
    # by the clock on the wall: tiers have prices from some day on
    before = failures.counts()
    with ExamsGraphEventHandler(tmp_path) as attached:
        yield attached
    assert failures.counts() == before, "a handler that fails in silence would pass many a test"


@dataclass(frozen=True)
class Situation:
    """What is called, what the server answers, and what the ledger does not know of it."""

    name: str
    llm: Callable[[Provider], Any]
    answer: Answer
    requested: str
    provider: str = "openai"


SITUATIONS = [
    Situation("chat", Provider.chat, Answer(input_tokens=2000, cached_tokens=1536), "gpt-4o"),
    Situation(
        "reasoning and tier",
        lambda p: p.chat("gpt-5-mini"),
        Answer(output_tokens=500, reasoning_tokens=448, service_tier="flex"),
        "gpt-5-mini",
    ),
    Situation(
        "audio",
        lambda p: p.like("gpt-audio"),
        Answer(audio_input_tokens=60, audio_output_tokens=12),
        "gpt-audio",
        "openai_like",
    ),
    Situation("a completion model", Provider.completion, Answer(), "gpt-3.5-turbo-instruct"),
    Situation("Responses API", Provider.responses, Answer(cached_tokens=64, reasoning_tokens=10), "gpt-4o"),
    Situation(
        "a server that speaks OpenAI's language", Provider.like, Answer(), "gpt-4o-mini", "openai_like"
    ),
    Situation(
        "Claude with cache reads and writes",
        Provider.claude,
        Answer(
            served_model="claude-haiku-4-5-20251001",
            input_tokens=1000,
            cached_tokens=400,
            cache_write_tokens=300,
        ),
        "claude-haiku-4-5",
        "anthropic",
    ),
]


def figures_of(fact: LLMCall) -> tuple[Any, ...]:
    # Anthropic has a word for what costs nothing extra
    tier = None if fact.service_tier == "standard" else fact.service_tier
    return (
        tier or "",
        fact.input_tokens,
        fact.output_tokens,
        fact.cached_tokens or 0,
        fact.cache_write_tokens or 0,
        fact.reasoning_tokens or 0,
        fact.audio_input_tokens or 0,
        fact.audio_output_tokens or 0,
        Meter().measure(fact).cost_usd,
    )


def figures_in(bill: Bill) -> tuple[Any, ...]:
    return (
        bill.service_tier or "",
        bill.input_tokens,
        bill.output_tokens,
        bill.cached_tokens,
        bill.cache_write_tokens,
        bill.reasoning_tokens,
        bill.audio_input_tokens,
        bill.audio_output_tokens,
        list_price(bill),
    )


def agree(provider: Provider, handler: ExamsGraphEventHandler) -> list[LLMCall]:
    """The calls' facts are the ledger's lines, whomever they were for."""
    recorded, ledger = calls(handler), provider.server.ledger
    assert sorted(map(figures_of, recorded)) == sorted(map(figures_in, ledger))
    for fact in recorded:
        assert (fact.status, fact.error_type, fact.usage_source) == ("ok", None, "reported")
        assert fact.finish_reason is not None
        assert 0 < fact.latency_ms < 60_000
        assert (fact.time_to_first_token_ms is not None) == fact.streamed
    for any_fact in facts(handler):
        assert {name: getattr(any_fact, name) for name in CONTEXT} == CONTEXT
    assert handler.open_runs == 0
    return recorded


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "situation",
    [
        pytest.param(one, id=one.name, marks=[needs_anthropic] if one.provider == "anthropic" else [])
        for one in SITUATIONS
    ],
)
async def test_facts_and_ledger_agree(
    situation: Situation,
    method: str,
    provider: Provider,
    handler: ExamsGraphEventHandler,
) -> None:
    provider.server.default = situation.answer
    with tutoring(**CONTEXT):
        await call(situation.llm(provider), method)
    (recorded,) = agree(provider, handler)
    (bill,) = provider.server.ledger
    streams = "stream" in method
    # of an Anthropic stream LlamaIndex passes over the first event, in which the model is told
    passed_over = streams and situation.provider == "anthropic"
    assert recorded.served_model == (None if passed_over else bill.model)
    assert (recorded.requested_model, recorded.provider) == (situation.requested, situation.provider)
    assert recorded.streamed == streams


def look_up(concept: str) -> str:
    """Look a concept up."""
    return f"{concept}: 분해"


@pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecationWarning")  # in LlamaIndex's workflows
@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_an_agents_calls_agree_one_by_one(
    api: str,
    streaming: bool,
    provider: Provider,
    handler: ExamsGraphEventHandler,
) -> None:
    first = Answer(tool=("look_up", {"concept": "정규화"})) if api == "chat" else Answer(input_tokens=90)
    provider.server.will(first, Answer(input_tokens=180))
    agent = FunctionAgent(tools=[look_up], llm=getattr(provider, api)(), streaming=streaming)
    with tutoring(**CONTEXT):
        await agent.run("정규화란?")
    recorded = agree(provider, handler)
    assert len(recorded) == (2 if api == "chat" else 1)
    assert {fact.streamed for fact in recorded} == {streaming}
    (turn,) = [fact for fact in facts(handler) if isinstance(fact, Trace)]
    assert {fact.parent_run_id for fact in recorded} == {turn.run_id}


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("asynchronous", [True, False])
async def test_a_query_is_one_call_and_not_two(
    asynchronous: bool,
    streaming: bool,
    provider: Provider,
    handler: ExamsGraphEventHandler,
) -> None:
    engine = RetrieverQueryEngine.from_args(Shelf(), llm=provider.chat(), streaming=streaming)
    with tutoring(**CONTEXT):
        response: Any = await engine.aquery("정규화란?") if asynchronous else engine.query("정규화란?")
    if streaming and asynchronous:
        _ = [token async for token in response.async_response_gen()]
    elif streaming:
        list(response.response_gen)
    (recorded,) = agree(provider, handler)
    (turn,) = [fact for fact in facts(handler) if isinstance(fact, Trace)]
    assert recorded.parent_run_id == turn.run_id


class TestWhatTheLedgerDoesNotTell:
    @pytest.mark.parametrize("method", METHODS)
    async def test_usage_that_is_not_reported_is_estimated_and_flagged(
        self, method: str, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(report_usage=False)
        await call(provider.chat(), method)
        recorded = only_call(handler)
        assert (recorded.status, recorded.input_tokens, recorded.usage_source) == ("ok", None, None)
        measured = Meter().measure(recorded)
        assert measured.estimated
        assert measured.cost_usd

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("status", [400, 401, 429, 500])
    async def test_an_http_error_is_an_error_of_unknown_usage(
        self, status: int, method: str, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(status=status)
        with pytest.raises(Exception, match=str(status)):
            await call(provider.chat(), method)
        recorded = only_call(handler)
        assert (recorded.status, recorded.input_tokens, recorded.usage_source) == ("error", None, None)
        assert recorded.error_type
        assert str(status) in str(recorded.error_message)

    @pytest.mark.parametrize("method", [method for method in METHODS if "stream" in method])
    async def test_a_stream_that_breaks_off_is_partial_and_estimated(
        self, method: str, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(cut_after=4)
        with pytest.raises(httpx.RemoteProtocolError):
            await call(provider.chat(), method)
        recorded = only_call(handler)
        assert (recorded.status, recorded.error_type) == ("partial", "RemoteProtocolError")
        assert recorded.answer is not None
        assert str(recorded.answer[0].content).startswith("정규화는")
        assert Meter().measure(recorded).estimated

    @pytest.mark.parametrize("close", [True, False], ids=["closed", "garbage collected"])
    @pytest.mark.parametrize("llm", [Provider.chat, Provider.responses])
    async def test_a_stream_that_is_abandoned_is_partial(
        self, llm: Callable[[Provider], Any], close: bool, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = SLOWLY
        stream = llm(provider).stream_chat([ChatMessage("?")])
        for response in stream:
            if response.delta:
                break
        if close:
            stream.close()
        del stream, response
        gc.collect()
        self._is_partial(handler)

    @pytest.mark.parametrize("close", [True, False], ids=["closed", "garbage collected"])
    @pytest.mark.parametrize("llm", [Provider.chat, Provider.responses])
    async def test_so_is_an_asynchronous_one(
        self, llm: Callable[[Provider], Any], close: bool, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = SLOWLY
        stream = await llm(provider).astream_chat([ChatMessage("?")])
        async for response in stream:
            if response.delta:
                break
        if close:
            await stream.aclose()
        del stream, response
        gc.collect()
        for _ in range(10):
            await asyncio.sleep(0)  # the loop closes generators within generators turn by turn
        self._is_partial(handler)

    def _is_partial(self, handler: ExamsGraphEventHandler) -> None:
        recorded = only_call(handler)
        assert (recorded.status, recorded.streamed) == ("partial", True)
        assert recorded.answer is not None
        assert recorded.answer[0].content == "정규화는"
        assert Meter().measure(recorded).estimated


class TestCancelled:
    @pytest.mark.parametrize("method", ["achat", "acomplete"])
    async def test_a_call_is_recorded_once(
        self, method: str, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(delay_seconds=1)
        await self._cancelled(call(provider.chat(), method), provider)
        recorded = only_call(handler)
        assert (recorded.status, recorded.error_type) == ("error", "CancelledError")
        assert recorded.input_tokens is None

    async def test_a_stream_is_partial_with_what_had_come(
        self, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(pace_seconds=0.2)
        came = asyncio.Event()

        async def read() -> None:
            async for response in await provider.chat().astream_chat([ChatMessage("?")]):
                if response.delta:
                    came.set()

        task = asyncio.ensure_future(read())
        await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        recorded = only_call(handler)
        assert (recorded.status, recorded.error_type) == ("partial", "CancelledError")
        assert recorded.answer is not None
        assert recorded.answer[0].content == "정규화는"

    @pytest.mark.parametrize("streaming", [True, False])
    async def test_a_query_ends_with_all_that_is_in_it(
        self, streaming: bool, provider: Provider, handler: ExamsGraphEventHandler
    ) -> None:
        provider.server.default = Answer(delay_seconds=1)
        engine = RetrieverQueryEngine.from_args(Shelf(), llm=provider.chat(), streaming=streaming)

        async def ask() -> None:
            response: Any = await engine.aquery("정규화란?")
            if streaming:
                _ = [token async for token in response.async_response_gen()]

        await self._cancelled(ask(), provider)
        assert {fact.status for fact in calls(handler)} == {"error"}
        (turn,) = [fact for fact in facts(handler) if isinstance(fact, Trace)]
        assert turn.status == "error"
        assert handler.open_runs == 0

    @pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecationWarning")  # in LlamaIndex's workflows
    async def test_so_does_an_agent(self, provider: Provider, handler: ExamsGraphEventHandler) -> None:
        provider.server.default = Answer(delay_seconds=1)
        running = FunctionAgent(tools=[look_up], llm=provider.chat()).run("정규화란?")
        await asyncio.to_thread(provider.server.asked.wait, 10)
        await running.cancel_run()
        with pytest.raises(WorkflowCancelledByUser):
            await running
        for _ in range(10):
            await asyncio.sleep(0)
        (recorded,) = calls(handler)
        assert recorded.status == "error"
        assert handler.open_runs == 0

    async def _cancelled(self, work: Any, provider: Provider) -> None:
        task = asyncio.ensure_future(work)
        await asyncio.to_thread(provider.server.asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
