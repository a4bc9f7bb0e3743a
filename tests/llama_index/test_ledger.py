"""LlamaIndex's real clients over HTTP: facts agree with the provider's own ledger, to the exact cost.

The provider is a server of the tests' own that writes down what it bills.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import CacheControl, CachePoint, ChatMessage, TextBlock
from llama_index.core.query_engine import RetrieverQueryEngine

from examsgraph_callbacks import tutoring
from examsgraph_callbacks.events import LLMCall, Trace
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from examsgraph_callbacks.measure import Meter
from tests.llama_index.models import Shelf, calls, facts
from tests.llama_index.provider import Provider
from tests.llama_index.test_calls import METHODS, call
from tests.llama_index.test_recordings import needs_anthropic
from tests.servers.openai_server import Answer, Bill
from tests.servers.prices import list_price

CONTEXT = {
    "user_id": "user_001",
    "session_id": "session_1",
    "question_id": "q_001",
    "task_type": "complex_reasoning",
}


FOR_AN_HOUR = {"type": "ephemeral", "ttl": "1h"}
CLAUDE_FOR_AN_HOUR = Answer(
    served_model="claude-haiku-4-5-20251001",
    input_tokens=1000,
    cache_write_tokens=300,
    cache_write_1h_tokens=300,
)


@pytest.fixture
def handler(handler_by_the_wall: ExamsGraphEventHandler) -> ExamsGraphEventHandler:
    return handler_by_the_wall


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
    Situation(
        "Claude with cache writes for an hour",
        lambda p: p.claude(additional_kwargs={"cache_control": FOR_AN_HOUR}),
        CLAUDE_FOR_AN_HOUR,
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
        fact.cache_write_1h_tokens or 0,
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
        bill.cache_write_1h_tokens,
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


@needs_anthropic
@pytest.mark.parametrize(
    "asked",
    [
        ChatMessage(
            blocks=[
                TextBlock(text="정규화란?"),
                CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h")),
            ],
        ),
        ChatMessage("정규화란?", additional_kwargs={"cache_control": FOR_AN_HOUR}),
    ],
    ids=["with a cache point", "with a mark"],
)
async def test_a_message_says_how_long_a_streamed_claude_keeps_what_it_wrote(
    asked: ChatMessage, provider: Provider, handler: ExamsGraphEventHandler
) -> None:
    provider.server.default = CLAUDE_FOR_AN_HOUR
    with tutoring(**CONTEXT):
        list(provider.claude().stream_chat([asked]))
    (recorded,) = agree(provider, handler)
    assert recorded.cache_write_1h_tokens == 300
    (sent,) = provider.server.requests
    assert sent["messages"][0]["content"][0]["cache_control"]["ttl"] == "1h"


@needs_anthropic
@pytest.mark.parametrize("method", ["chat", "achat", "stream_chat", "astream_chat"])
@pytest.mark.parametrize("asks", ["for the whole", "up to a message"])
async def test_what_claude_wrote_for_both_lifetimes_is_priced_only_where_they_were_told_apart(
    asks: str, method: str, provider: Provider, handler: ExamsGraphEventHandler
) -> None:
    provider.server.default = replace(CLAUDE_FOR_AN_HOUR, cache_write_1h_tokens=200)
    minutes = {"type": "ephemeral"}
    llm = (
        provider.claude(additional_kwargs={"cache_control": minutes})
        if asks == "for the whole"
        else provider.claude(cache_idx=0)
    )
    chat = [
        ChatMessage("안녕하세요"),
        ChatMessage("정규화란?", additional_kwargs={"cache_control": FOR_AN_HOUR}),
    ]
    with tutoring(**CONTEXT):
        await call(llm, method, chat)
    (recorded,) = calls(handler)
    (bill,) = provider.server.ledger
    written = (recorded.cache_write_tokens, recorded.cache_write_1h_tokens, recorded.cache_write_split_open)
    measured = Meter().measure(recorded)
    if "stream" not in method:
        assert written == (300, 200, None)
        assert measured.cost_usd == list_price(bill)
    else:
        assert written == (300, None, True)
        assert measured.cost_usd is None
        assert "ask for one of them, or do not stream the answer" in str(measured.unpriced_reason)
    (sent,) = provider.server.requests
    marks = [block.get("cache_control") for message in sent["messages"] for block in message["content"]]
    assert [*filter(None, [sent.get("cache_control"), *marks])] == [minutes, FOR_AN_HOUR]


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
