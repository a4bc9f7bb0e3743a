"""Real clients of a provider that keeps a ledger, and what it takes for facts and ledger to agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from langchain_anthropic import ChatAnthropic
from langchain_anthropic._client_utils import _get_default_async_httpx_client
from langchain_openai import AzureChatOpenAI, ChatOpenAI, OpenAI

from examsgraph_callbacks.events import LLMCall, RunFact, Trace
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from examsgraph_callbacks.measure import Meter
from tests.servers.openai_server import Bill, LedgerServer
from tests.servers.prices import list_price

__all__ = ["CONTEXT", "World", "agree", "is_estimated", "only_call", "world"]

CONTEXT = {
    "user_id": "user_001",
    "session_id": "session_1",
    "question_id": "q_001",
    "task_type": "complex_reasoning",
}
"""Whom and what each turn is for."""


@dataclass
class World:
    """The real clients, the server they talk to, and the handler that listens."""

    server: LedgerServer
    handler: ExamsGraphCallbackHandler
    client: httpx.Client
    async_client: httpx.AsyncClient
    config: Any = field(init=False)
    _claudes: list[ChatAnthropic] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = {"callbacks": [self.handler], "metadata": dict(CONTEXT), "tags": ["lesson-3"]}

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
        # else ChatOpenAI leaves the usage of a stream out where it is given a base_url
        return ChatOpenAI(model=model, **self._openai(**{"stream_usage": True, **more}))

    def completion(self, **more: Any) -> OpenAI:
        return OpenAI(model="gpt-3.5-turbo-instruct", **self._openai(**more))

    def azure(self) -> AzureChatOpenAI:
        return AzureChatOpenAI(
            azure_deployment="tutor-eastus",
            api_version="2024-10-21",
            azure_endpoint=self.server.root,
            api_key="not-a-key",
            max_retries=0,
            stream_usage=True,
            http_client=self.client,
            http_async_client=self.async_client,
        )

    def claude(self, **more: Any) -> ChatAnthropic:
        about = {"base_url": self.server.root, "api_key": "not-a-key", "max_retries": 0, **more}
        model = ChatAnthropic(model="claude-haiku-4-5", **about)
        self._claudes.append(model)
        return model

    async def aclose(self) -> None:
        """Close what belongs to this event loop: the providers' libraries would keep it open."""
        await self.async_client.aclose()
        for claude in self._claudes:
            await claude._async_client.close()
        # langchain-anthropic keeps one client for all loops: the next test brings a loop of its own
        _get_default_async_httpx_client.cache_clear()

    def facts(self) -> list[RunFact]:
        return [fact for fact in self.handler.journal.read() if isinstance(fact, RunFact)]

    def calls(self) -> list[LLMCall]:
        return [fact for fact in self.facts() if isinstance(fact, LLMCall)]

    def turns(self) -> list[Trace]:
        return [fact for fact in self.facts() if isinstance(fact, Trace)]


@contextmanager
def world(directory: Path) -> Iterator[World]:
    """A world whose journal is `directory`."""
    # nothing to verify over plain HTTP, and loading certificates takes most of a test's time
    with LedgerServer() as server, httpx.Client(verify=False) as client:
        yield World(server, ExamsGraphCallbackHandler(directory), client, httpx.AsyncClient(verify=False))


def agree(world: World, calls: int, *, failed: int = 0) -> list[LLMCall]:
    """The facts are the ledger's lines, in tokens, model, tier and exact cost, and say all there is to say.

    Returns those of the calls that were billed; `failed` ones were not.
    """
    facts, ledger = world.calls(), world.server.ledger
    assert len(ledger) == calls
    assert len(facts) == calls + failed
    billed = [fact for fact in facts if fact.usage_source == "reported"]
    assert {(fact.status, fact.error_type) for fact in billed} <= {("ok", None)}
    assert sorted(_of_fact(fact) for fact in billed) == sorted(_of_bill(bill) for bill in ledger)
    for fact in facts:
        _says_whom_it_was_for(fact)
        assert 0 < fact.latency_ms < 60_000
        if fact.status == "ok":
            assert fact.finish_reason is not None
            first = fact.time_to_first_token_ms
            assert (first is not None and 0 < first <= fact.latency_ms) if fact.streamed else first is None
    _stand_in_traces(world)
    assert world.handler.open_runs == 0
    return billed


def _of_fact(fact: LLMCall) -> tuple[Any, ...]:
    return (
        fact.served_model,
        # which Anthropic says of what the ledger writes no tier for
        "" if fact.service_tier in {None, "standard"} else fact.service_tier,
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


def _of_bill(bill: Bill) -> tuple[Any, ...]:
    return (
        bill.model,
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


def _says_whom_it_was_for(fact: RunFact) -> None:
    assert {name: getattr(fact, name) for name in CONTEXT} == CONTEXT
    assert fact.tags == ("lesson-3",)


def _stand_in_traces(world: World) -> None:
    """Each fact stands below one that is there, or is the top of its own trace."""
    by_run = {fact.run_id: fact for fact in world.facts()}
    for fact in world.facts():
        _says_whom_it_was_for(fact)
        if fact.parent_run_id is None:
            assert fact.trace_id == fact.run_id
        else:
            assert fact.trace_id == by_run[fact.parent_run_id].trace_id


def only_call(the_world: World) -> LLMCall:
    """The one call that was recorded, for whom it was; nothing is left open."""
    (recorded,) = the_world.calls()
    assert the_world.handler.open_runs == 0
    assert {name: getattr(recorded, name) for name in CONTEXT} == CONTEXT
    return recorded


def is_estimated(recorded: LLMCall) -> None:
    """Its tokens are estimated, flagged, and cost something."""
    measured = Meter().measure(recorded)
    assert measured.estimated
    assert measured.input_tokens
    assert measured.output_tokens
    assert measured.cost_usd is not None
    assert measured.cost_usd > 0
