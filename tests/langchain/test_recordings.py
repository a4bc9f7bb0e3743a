"""Real clients, played every recorded answer of real providers: facts say what was reported.

Answers on which a client itself fails are listed by id, with what it fails on.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_anthropic._client_utils import _get_default_async_httpx_client
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI, OpenAI

from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.recorded import recordings, replay_server

# embeddings fire no LangChain callback: they are held to their recordings where their client is
DRIVEN = [record for record in recordings() if record["api"] != "embeddings"]

CLIENT_FAILS = {
    "74e1b1c5353cfc49": "Azure's content filter left no message: AttributeError in langchain-openai",
}

# the API as it was told the input's tokens in the stream's first event only, and langchain-anthropic
# reads the last: the fact leaves the input open, to be estimated, instead of taking 0 for it
INPUT_PASSED_OVER = {
    "5f59178d0a64eeba",
    "d7c50e07a65b80f3",
    "e439df13f783ae9f",
    "dd6c53ede90ff8e1",
    "304d696eb1a38bd9",
    "8aba9735a8695fdf",
    "d9f2b47777db070b",
    "07615b697d4caa4c",
    "b2c6ebedf4fdbc35",
}

ANSWERED = [record for record in DRIVEN if record["status"] == 200 and record["id"] not in CLIENT_FAILS]
REPORTING = [record for record in ANSWERED if record["usage"] and record["id"] not in INPUT_PASSED_OVER]
SILENT = [record for record in ANSWERED if not record["usage"]]
REFUSED = [record for record in DRIVEN if record["status"] >= 400]


@dataclass(frozen=True)
class Clients:
    """Clients of our own, to be closed: the providers' libraries would keep connections open."""

    url: str
    sync: httpx.Client
    asynchronous: httpx.AsyncClient

    def model(self, record: dict[str, Any]) -> Any:
        """The real client for a recorded answer, pinned to it by a header."""
        common: dict[str, Any] = {
            "model": record["request_model"],
            "api_key": "not-a-key",
            "default_headers": {"X-Replay-Id": record["id"]},
            "max_retries": 0,
        }
        if record["api"] == "messages":
            return ChatAnthropic(base_url=self.url.removesuffix("/v1"), max_tokens=1024, **common)
        common |= {
            "base_url": self.url,
            "http_client": self.sync,
            "http_async_client": self.asynchronous,
        }
        if record["api"] == "completions":
            return OpenAI(n=record["request"].get("n") or 1, **common)
        return ChatOpenAI(
            use_responses_api=record["api"] == "responses",
            n=record["request"].get("n"),
            stream_usage=True,
            **common,
        )


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    # skips, with the reason, where the recordings are not to be had
    with replay_server().ReplayServer() as server:
        yield f"{server.url}/v1"


@pytest.fixture
def clients(server_url: str) -> Iterator[Clients]:
    # nothing to verify over plain HTTP, and loading certificates takes most of a test's time
    with httpx.Client(verify=False) as client:
        yield Clients(server_url, client, httpx.AsyncClient(verify=False))


@pytest.fixture
def handler(tmp_path: Path) -> ExamsGraphCallbackHandler:
    return ExamsGraphCallbackHandler(tmp_path)


def question(record: dict[str, Any]) -> Any:
    """What was asked does not matter to usage: the answer is pinned by its id."""
    asked = json.dumps(record["request"].get("messages") or record["request"].get("prompt"))[:500]
    return asked if record["api"] == "completions" else [HumanMessage(asked)]


def drive(record: dict[str, Any], clients: Clients, handler: ExamsGraphCallbackHandler) -> None:
    model, config = clients.model(record), {"callbacks": [handler]}
    if record["streaming"]:
        for _ in model.stream(question(record), config):
            pass
    else:
        model.invoke(question(record), config)


async def drive_async(record: dict[str, Any], clients: Clients, handler: ExamsGraphCallbackHandler) -> None:
    model, config = clients.model(record), {"callbacks": [handler]}
    async with clients.asynchronous:
        if record["streaming"]:
            async for _ in model.astream(question(record), config):
                pass
        else:
            await model.ainvoke(question(record), config)
    if record["api"] == "messages":
        # langchain-anthropic keeps one client for all loops: the next test brings a loop of its own
        await model._async_client.close()
        _get_default_async_httpx_client.cache_clear()


async def drive_sync(record: dict[str, Any], clients: Clients, handler: ExamsGraphCallbackHandler) -> None:
    drive(record, clients, handler)


Drive = Callable[[dict[str, Any], Clients, ExamsGraphCallbackHandler], Awaitable[None]]
on_and_off_a_loop = pytest.mark.parametrize("way", [drive_sync, drive_async], ids=["sync", "async"])


def only_call(handler: ExamsGraphCallbackHandler) -> LLMCall:
    (fact,) = handler.journal.read()
    assert isinstance(fact, LLMCall)
    assert handler.open_runs == 0
    return fact


def expected(record: dict[str, Any]) -> dict[str, object]:
    """The fact's fields that the recorded usage settles, in the vocabulary's terms."""
    usage, api = record["usage"], record["api"]
    if api == "messages":
        read = usage.get("cache_read_input_tokens") or 0
        written = usage.get("cache_creation_input_tokens") or 0
        # Anthropic counts what it read from and wrote to the cache beside the input, not within it
        counts: dict[str, object] = {
            "input_tokens": usage["input_tokens"] + read + written,
            "output_tokens": usage["output_tokens"],
            "cached_tokens": read,
            "cache_write_tokens": written,
        }
    else:
        prefix = ("input", "output") if api == "responses" else ("prompt", "completion")
        inputs, outputs = (usage.get(f"{name}_tokens_details") or {} for name in prefix)
        counts = {
            "input_tokens": usage[f"{prefix[0]}_tokens"],
            "output_tokens": usage[f"{prefix[1]}_tokens"],
            "cached_tokens": inputs.get("cached_tokens") or 0,
            "cache_write_tokens": inputs.get("cache_write_tokens") or 0,
            "reasoning_tokens": outputs.get("reasoning_tokens") or 0,
        }
    # for completions, langchain-openai tells the requested model in the served one's place
    served = record["request_model" if api == "completions" else "response_model"]
    return counts | {
        "served_model": served,
        "requested_model": record["request_model"],
        "usage_source": "reported",
        "status": "ok",
        "streamed": record["streaming"],
    }


def said(fact: LLMCall, fields: dict[str, object]) -> dict[str, object]:
    """The same fields of the fact; a detail that was not reported counts as none of it."""
    details = {"cached_tokens", "cache_write_tokens", "reasoning_tokens"}
    return {name: getattr(fact, name) or 0 if name in details else getattr(fact, name) for name in fields}


def name_of(record: dict[str, Any]) -> str:
    return f"{record['api']}-{record['request_model']}-{record['id']}"


# the clients' own: retired models, and blocks newer than the installed version knows
clients_may_warn = [
    pytest.mark.filterwarnings("ignore:The model:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
    pytest.mark.filterwarnings("ignore:Received unexpected tool content:UserWarning"),
]


def marked(function: Any) -> Any:
    for mark in clients_may_warn:
        function = mark(function)
    return function


@marked
@pytest.mark.parametrize("record", REPORTING, ids=name_of)
def test_the_fact_equals_the_recording(
    record: dict[str, Any],
    clients: Clients,
    handler: ExamsGraphCallbackHandler,
) -> None:
    drive(record, clients, handler)
    fact, fields = only_call(handler), expected(record)
    assert said(fact, fields) == fields
    if record["streaming"]:
        assert fact.time_to_first_token_ms is not None
        assert 0 < fact.time_to_first_token_ms <= fact.latency_ms


@marked
@pytest.mark.parametrize("record", REPORTING, ids=name_of)
async def test_the_fact_equals_the_recording_on_an_event_loop(
    record: dict[str, Any],
    clients: Clients,
    handler: ExamsGraphCallbackHandler,
) -> None:
    await drive_async(record, clients, handler)
    fact, fields = only_call(handler), expected(record)
    assert said(fact, fields) == fields


@pytest.mark.parametrize("record", [one for one in REPORTING if one["refusal"]], ids=name_of)
def test_an_answer_that_refuses_what_a_schema_asked_for_is_recorded_as_a_refusal(
    record: dict[str, Any],
    clients: Clients,
    handler: ExamsGraphCallbackHandler,
) -> None:
    drive(record, clients, handler)
    (choice,) = only_call(handler).answer or ()
    assert choice.content == [{"type": "refusal", "refusal": record["refusal"]}]


@on_and_off_a_loop
@pytest.mark.parametrize("record", SILENT, ids=name_of)
async def test_an_answer_without_usage_leaves_the_counts_open(
    record: dict[str, Any],
    way: Drive,
    clients: Clients,
    handler: ExamsGraphCallbackHandler,
) -> None:
    await way(record, clients, handler)
    fact = only_call(handler)
    assert (fact.status, fact.input_tokens, fact.output_tokens) == ("ok", None, None)
    assert fact.usage_source is None


@on_and_off_a_loop
@pytest.mark.parametrize("identity", sorted(INPUT_PASSED_OVER))
@marked
async def test_an_input_that_the_client_passed_over_is_left_open_and_never_0(
    identity: str,
    way: Drive,
    clients: Clients,
    handler: ExamsGraphCallbackHandler,
) -> None:
    (record,) = [record for record in DRIVEN if record["id"] == identity]
    await way(record, clients, handler)
    fact = only_call(handler)
    assert (fact.input_tokens, fact.usage_source) == (None, None)
    assert fact.output_tokens == record["usage"]["output_tokens"]
    assert fact.served_model == record["response_model"]


@on_and_off_a_loop
@pytest.mark.parametrize("record", REFUSED, ids=name_of)
async def test_a_refusal_is_an_error_of_unknown_usage(
    record: dict[str, Any],
    way: Drive,
    clients: Clients,
    handler: ExamsGraphCallbackHandler,
) -> None:
    with pytest.raises(Exception, match=str(record["status"])):
        await way(record, clients, handler)
    fact = only_call(handler)
    assert (fact.status, fact.input_tokens, fact.usage_source) == ("error", None, None)


@on_and_off_a_loop
@pytest.mark.parametrize("identity", CLIENT_FAILS)
async def test_an_answer_that_the_client_cannot_read_is_an_error_of_unknown_usage(
    identity: str,
    way: Drive,
    clients: Clients,
    handler: ExamsGraphCallbackHandler,
) -> None:
    (record,) = [record for record in DRIVEN if record["id"] == identity]
    with pytest.raises(AttributeError):
        await way(record, clients, handler)
    fact = only_call(handler)
    assert (fact.status, fact.error_type, fact.input_tokens) == ("error", "AttributeError", None)


def test_every_recording_is_accounted_for() -> None:
    if not recordings():
        replay_server()  # skips, saying what is missing
    listed = len(CLIENT_FAILS) + len(INPUT_PASSED_OVER)
    assert len(REPORTING) + len(SILENT) + len(REFUSED) + listed == len(DRIVEN) == 304
    assert len([record for record in REPORTING if record["api"] == "chat"]) == 95
