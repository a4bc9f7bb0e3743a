"""LlamaIndex's real clients, played every recorded answer of real providers: facts say what was reported.

Answers on which a client itself fails are listed by id, with what it fails on.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import httpx
import pytest
from llama_index.core.llms import ChatMessage, LLMMetadata
from llama_index.embeddings.openai import OpenAIEmbedding  # type: ignore[import-untyped]
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai import OpenAIResponses
from llama_index.llms.openai_like import OpenAILike  # type: ignore[import-untyped]

from examsgraph_callbacks.events import EmbeddingCall, LLMCall
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from tests.langchain.recorded import recordings, replay_server
from tests.llama_index.models import facts, only_call

CLIENT_FAILS = {
    "74e1b1c5353cfc49": "Azure's content filter left no message: AttributeError in llama-index-llms-openai",
    "6a041fd9a26552eb": "a block without text: ValidationError in llama-index-llms-anthropic",
    "75ec02c71cc87754": "a block without text: ValidationError in llama-index-llms-anthropic",
    "9c1bdcd1775d4db6": "a block without text: ValidationError in llama-index-llms-anthropic",
}

EMBEDDINGS = [record for record in recordings() if record["api"] == "embeddings"]
DRIVEN = [record for record in recordings() if record["api"] != "embeddings"]
ANSWERED = [record for record in DRIVEN if record["status"] == 200 and record["id"] not in CLIENT_FAILS]
REPORTING = [record for record in ANSWERED if record["usage"]]
SILENT = [record for record in ANSWERED if not record["usage"]]
REFUSED = [record for record in DRIVEN if record["status"] >= 400]

needs_anthropic = pytest.mark.skipif(
    int(version("anthropic").split(".")[0]) > 0,
    reason="llama-index-llms-anthropic 0.12 cannot build a message with anthropic 1 and later",
)


class AnthropicOfAnyModel(Anthropic):
    """Also of models that have been retired since, which the client does not know any more."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name=self.model, is_chat_model=True)


@dataclass(frozen=True)
class Clients:
    """Clients of our own, to be closed: the providers' libraries would keep connections open."""

    url: str
    sync: httpx.Client
    asynchronous: httpx.AsyncClient

    def llm(self, record: dict[str, Any]) -> Any:
        """The real client for a recorded answer, pinned to it by a header."""
        common: dict[str, Any] = {
            "model": record["request_model"],
            "api_key": "not-a-key",
            "default_headers": {"X-Replay-Id": record["id"]},
            "max_retries": 0,
        }
        if record["api"] == "messages":
            return AnthropicOfAnyModel(base_url=self.url.removesuffix("/v1"), **common)
        common |= {
            "api_base": self.url,
            "http_client": self.sync,
            "async_http_client": self.asynchronous,
            "context_window": 128_000,
        }
        if record["api"] == "responses":
            return OpenAIResponses(**common)
        # OpenAI's own class, for models that it does not know too
        return OpenAILike(is_chat_model=record["api"] == "chat", **common)


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    # skips, with the reason, where the recordings are not to be had
    with replay_server().ReplayServer() as server:
        yield f"{server.url}/v1"


@pytest.fixture
async def clients(server_url: str) -> AsyncIterator[Clients]:
    # nothing to verify over plain HTTP, and loading certificates takes most of a test's time
    with httpx.Client(verify=False) as client:
        async with httpx.AsyncClient(verify=False) as asynchronous:
            yield Clients(server_url, client, asynchronous)


async def drive(record: dict[str, Any], clients: Clients, *, on_a_loop: bool = False) -> None:
    """Ask anything: the answer is pinned by its id."""
    llm = clients.llm(record)
    what = "complete" if record["api"] == "completions" else "chat"
    asked: Any = "?" if what == "complete" else [ChatMessage("?")]
    method = f"stream_{what}" if record["streaming"] else what
    try:
        if on_a_loop:
            answer = await getattr(llm, f"a{method}")(asked)
            if record["streaming"]:
                _ = [chunk async for chunk in answer]
        else:
            answer = getattr(llm, method)(asked)
            if record["streaming"]:
                list(answer)
    finally:
        if record["api"] == "messages":
            llm._client.close()
            await llm._aclient.close()


def expected(record: dict[str, Any]) -> dict[str, object]:
    """The fact's fields that the recorded usage settles, in the vocabulary's terms."""
    usage, api = record["usage"], record["api"]
    # of an Anthropic stream LlamaIndex passes over the first event, in which the model is told
    served = None if api == "messages" and record["streaming"] else record["response_model"]
    fields: dict[str, object] = {
        "served_model": served,
        "requested_model": record["request_model"],
        "usage_source": "reported",
        "status": "ok",
        "streamed": record["streaming"],
    }
    if api == "messages":
        read = usage.get("cache_read_input_tokens") or 0
        written = usage.get("cache_creation_input_tokens") or 0
        # Anthropic counts what it read from and wrote to the cache beside the input, not within it
        return fields | {
            "input_tokens": usage["input_tokens"] + read + written,
            "output_tokens": usage["output_tokens"],
            "cached_tokens": read,
            "cache_write_tokens": written,
            "reasoning_tokens": (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0,
        }
    prefix = ("input", "output") if api == "responses" else ("prompt", "completion")
    inputs, outputs = (usage.get(f"{name}_tokens_details") or {} for name in prefix)
    return fields | {
        "input_tokens": usage[f"{prefix[0]}_tokens"],
        "output_tokens": usage[f"{prefix[1]}_tokens"],
        "cached_tokens": inputs.get("cached_tokens") or 0,
        "cache_write_tokens": inputs.get("cache_write_tokens") or 0,
        "reasoning_tokens": outputs.get("reasoning_tokens") or 0,
    }


def said(fact: LLMCall, fields: dict[str, object]) -> dict[str, object]:
    """The same fields of the fact; a detail that was not reported counts as none of it."""
    details = {"cached_tokens", "cache_write_tokens", "reasoning_tokens"}
    return {name: getattr(fact, name) or 0 if name in details else getattr(fact, name) for name in fields}


def each(records: list[dict[str, Any]]) -> list[Any]:
    """Parameters of a test, those of Anthropic's only where its client works."""
    return [
        pytest.param(
            record,
            id=f"{record['api']}-{record['request_model']}-{record['id']}",
            marks=[needs_anthropic] if record["api"] == "messages" else [],
        )
        for record in records
    ]


# the providers' libraries: blocks newer than the installed version knows, models that were retired
pytestmark = [
    pytest.mark.filterwarnings("ignore:The model:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
]


@pytest.mark.parametrize("on_a_loop", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("record", each(REPORTING))
async def test_the_fact_equals_the_recording(
    record: dict[str, Any],
    on_a_loop: bool,
    clients: Clients,
    handler: ExamsGraphEventHandler,
) -> None:
    await drive(record, clients, on_a_loop=on_a_loop)
    fact, fields = only_call(handler), expected(record)
    assert said(fact, fields) == fields
    if record["streaming"]:
        assert fact.time_to_first_token_ms is not None
        assert 0 < fact.time_to_first_token_ms <= fact.latency_ms


@pytest.mark.parametrize("on_a_loop", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("record", each(ANSWERED))
async def test_the_answer_and_how_it_ended_equal_the_recording(
    record: dict[str, Any],
    on_a_loop: bool,
    clients: Clients,
    handler: ExamsGraphEventHandler,
) -> None:
    await drive(record, clients, on_a_loop=on_a_loop)
    fact = only_call(handler)
    assert fact.finish_reason == record["finish_reason"]
    assert fact.provider in {"openai_like", "openai", "anthropic"}
    assert fact.answer is not None
    called = [call["name"] for call in fact.answer[0].tool_calls if isinstance(call, dict)]
    # tools that Anthropic runs itself are none of LlamaIndex's
    calls = [call for call in record["tool_calls"] or [] if not call["id"].startswith("srvtoolu_")]
    assert called == [call["name"] for call in calls]


@pytest.mark.parametrize("on_a_loop", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("record", each(SILENT))
async def test_an_answer_without_usage_leaves_the_counts_open(
    record: dict[str, Any],
    on_a_loop: bool,
    clients: Clients,
    handler: ExamsGraphEventHandler,
) -> None:
    await drive(record, clients, on_a_loop=on_a_loop)
    fact = only_call(handler)
    assert (fact.status, fact.input_tokens, fact.output_tokens) == ("ok", None, None)
    assert fact.usage_source is None


@pytest.mark.parametrize("on_a_loop", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("record", each(REFUSED))
async def test_a_refusal_is_an_error_of_unknown_usage(
    record: dict[str, Any],
    on_a_loop: bool,
    clients: Clients,
    handler: ExamsGraphEventHandler,
) -> None:
    with pytest.raises(Exception, match=str(record["status"])):
        await drive(record, clients, on_a_loop=on_a_loop)
    fact = only_call(handler)
    assert (fact.status, fact.input_tokens, fact.usage_source) == ("error", None, None)


@pytest.mark.parametrize("on_a_loop", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("record", each([record for record in DRIVEN if record["id"] in CLIENT_FAILS]))
async def test_an_answer_that_the_client_cannot_read_is_an_error_of_unknown_usage(
    record: dict[str, Any],
    on_a_loop: bool,
    clients: Clients,
    handler: ExamsGraphEventHandler,
) -> None:
    with pytest.raises((AttributeError, ValueError)):
        await drive(record, clients, on_a_loop=on_a_loop)
    fact = only_call(handler)
    assert (fact.status, fact.input_tokens) == ("error", None)


@pytest.mark.parametrize("record", each([record for record in EMBEDDINGS if record["status"] == 200]))
async def test_an_embedding_call_says_which_model_was_asked(
    record: dict[str, Any],
    clients: Clients,
    handler: ExamsGraphEventHandler,
) -> None:
    model = OpenAIEmbedding(
        model_name=record["request_model"],
        api_key="not-a-key",
        api_base=clients.url,
        default_headers={"X-Replay-Id": record["id"]},
        http_client=clients.sync,
    )
    model.get_text_embedding_batch(["정규화", "이상현상"])
    (fact,) = facts(handler)
    assert isinstance(fact, EmbeddingCall)
    assert (fact.provider, fact.requested_model, fact.text_count) == ("openai", record["request_model"], 2)


def test_every_recording_is_accounted_for() -> None:
    if not recordings():
        replay_server()  # skips, saying what is missing
    assert len(REPORTING) + len(SILENT) + len(REFUSED) + len(CLIENT_FAILS) == len(DRIVEN) == 304
    assert len([record for record in REPORTING if record["api"] == "chat"]) == 95
