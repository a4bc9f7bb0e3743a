"""OpenAI's real client, played every recorded embedding call under autolog: facts say what was reported."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from examsgraph_callbacks import Journal
from examsgraph_callbacks.events import EmbeddingCall
from tests.langchain.recorded import recordings, replay_server

EMBEDDINGS = [record for record in recordings() if record["api"] == "embeddings"]
ANSWERED = [record for record in EMBEDDINGS if record["status"] == 200]
REFUSED = [record for record in EMBEDDINGS if record["status"] >= 400]


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    # skips, with the reason, where the recordings are not to be had
    with replay_server().ReplayServer() as server:
        yield f"{server.url}/v1"


def client_for(record: dict[str, Any], server_url: str, http: Any, *, asynchronous: bool) -> Any:
    """The real client that the recorded one was, pinned to the recording by a header."""
    azure = record["provider"] == "azure"
    about: dict[str, Any] = {
        "api_key": "not-a-key",
        "default_headers": {"X-Replay-Id": record["id"]},
        "max_retries": 0,
        "http_client": http,
    }
    if azure:
        about |= {"azure_endpoint": server_url.removesuffix("/v1"), "api_version": "2024-10-21"}
    else:
        about |= {"base_url": server_url}
    kinds = (
        (openai.AsyncAzureOpenAI, openai.AsyncOpenAI) if asynchronous else (openai.AzureOpenAI, openai.OpenAI)
    )
    return (kinds[0] if azure else kinds[1])(**about)


async def drive(record: dict[str, Any], server_url: str, *, asynchronous: bool) -> None:
    request = record["request"]
    if asynchronous:
        async with httpx.AsyncClient(verify=False) as ahttp:
            await client_for(record, server_url, ahttp, asynchronous=True).embeddings.create(**request)
    else:
        with httpx.Client(verify=False) as http:
            client_for(record, server_url, http, asynchronous=False).embeddings.create(**request)


def only_call(journal: Journal) -> EmbeddingCall:
    (fact,) = journal.read()
    assert isinstance(fact, EmbeddingCall)
    return fact


def name_of(record: dict[str, Any]) -> str:
    return f"{record['request_model']}-{record['id']}"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("record", ANSWERED, ids=name_of)
async def test_the_fact_equals_the_recording(
    record: dict[str, Any],
    asynchronous: bool,
    server_url: str,
    journal: Journal,
) -> None:
    await drive(record, server_url, asynchronous=asynchronous)
    fact = only_call(journal)
    assert (fact.provider, fact.requested_model, fact.served_model) == (
        record["provider"],
        record["request_model"],
        record["response_model"],
    )
    assert (fact.input_tokens, fact.usage_source) == (record["usage"]["prompt_tokens"], "reported")
    given = record["request"]["input"]
    assert fact.text_count == (len(given) if isinstance(given, list) else 1)
    assert fact.status == "ok"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("record", REFUSED, ids=name_of)
async def test_a_refusal_is_an_error_of_unknown_usage(
    record: dict[str, Any],
    asynchronous: bool,
    server_url: str,
    journal: Journal,
) -> None:
    with pytest.raises(openai.AuthenticationError):
        await drive(record, server_url, asynchronous=asynchronous)
    fact = only_call(journal)
    assert (fact.status, fact.error_type, fact.input_tokens) == ("error", "AuthenticationError", None)
    assert (fact.usage_source, fact.requested_model) == (None, record["request_model"])


def test_every_recording_is_accounted_for() -> None:
    if not recordings():
        replay_server()  # skips, saying what is missing
    assert (len(ANSWERED), len(REFUSED), len(EMBEDDINGS)) == (20, 1, 21)
