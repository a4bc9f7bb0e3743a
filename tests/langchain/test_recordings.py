"""A real ChatOpenAI, played real recorded answers: every fact says what the provider reported."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from langchain_openai import ChatOpenAI

from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from tests.langchain.recorded import recordings, replay_server

Mode = Literal["sync", "async"]

# answers on which the client itself fails before any callback could see their usage
_REFUSED_BY_THE_CLIENT = {
    "74e1b1c5353cfc49": "Azure's content filter left no message: langchain-openai raises AttributeError",
}

_REPORTING = [
    record
    for record in recordings()
    if record["api"] == "chat" and record["status"] == 200 and record["usage"]
]
_CHAT = [record for record in _REPORTING if record["id"] not in _REFUSED_BY_THE_CLIENT]


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with replay_server().ReplayServer() as server:
        yield f"{server.url}/v1"


def _model(
    record: dict[str, Any],
    url: str,
    client: httpx.Client,
    async_client: httpx.AsyncClient,
) -> ChatOpenAI:
    return ChatOpenAI(
        http_client=client,
        http_async_client=async_client,
        model=record["request_model"],
        base_url=url,
        api_key="not-a-key",
        default_headers={"X-Replay-Id": record["id"]},
        stream_usage=True,
        max_retries=0,
        n=record["request"].get("n"),
        use_responses_api=False,
    )


def _messages(record: dict[str, Any]) -> list[dict[str, Any]]:
    # what was asked does not matter to usage: the answer is pinned by its id
    return [{"role": "user", "content": json.dumps(record["request"].get("messages"))[:500]}]


def _expected(record: dict[str, Any]) -> dict[str, object]:
    usage = record["usage"]
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return {
        "input_tokens": usage["prompt_tokens"],
        "output_tokens": usage["completion_tokens"],
        "cached_tokens": prompt.get("cached_tokens"),
        "reasoning_tokens": completion.get("reasoning_tokens"),
        "served_model": record["response_model"],
        "requested_model": record["request_model"],
        "usage_source": "reported",
        "status": "ok",
        "streamed": record["streaming"],
    }


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("record", _CHAT, ids=lambda record: f"{record['id']}-{record['request_model']}")
async def test_the_fact_equals_the_recording(
    record: dict[str, Any],
    mode: Mode,
    server_url: str,
    tmp_path: Path,
) -> None:
    handler = ExamsGraphCallbackHandler(tmp_path)
    config: Any = {"callbacks": [handler]}
    messages: Any = _messages(record)
    # clients of our own, to be closed: langchain-openai would keep its connections open
    with httpx.Client() as client:
        async with httpx.AsyncClient() as async_client:
            model = _model(record, server_url, client, async_client)
            if record["streaming"] and mode == "sync":
                list(model.stream(messages, config))
            elif record["streaming"]:
                _ = [chunk async for chunk in model.astream(messages, config)]
            elif mode == "sync":
                model.invoke(messages, config)
            else:
                await model.ainvoke(messages, config)

    (fact,) = handler.journal.read()
    assert isinstance(fact, LLMCall)
    expected = _expected(record)
    assert {name: getattr(fact, name) for name in expected} == expected
    assert handler.open_runs == 0
    if record["streaming"]:
        assert fact.time_to_first_token_ms is not None
        assert 0 < fact.time_to_first_token_ms <= fact.latency_ms


@pytest.mark.parametrize("identity", _REFUSED_BY_THE_CLIENT)
def test_an_answer_that_the_client_cannot_read_is_an_error_of_unknown_usage(
    identity: str,
    server_url: str,
    tmp_path: Path,
) -> None:
    (record,) = [record for record in _REPORTING if record["id"] == identity]
    handler = ExamsGraphCallbackHandler(tmp_path)
    with httpx.Client() as client:
        model = _model(record, server_url, client, httpx.AsyncClient())
        with pytest.raises(AttributeError):
            model.invoke("…", {"callbacks": [handler]})
    (fact,) = handler.journal.read()
    assert isinstance(fact, LLMCall)
    assert (fact.status, fact.error_type) == ("error", "AttributeError")
    assert (fact.input_tokens, fact.usage_source) == (None, None)


def test_all_recorded_chat_answers_that_report_usage_are_covered() -> None:
    if not recordings():
        replay_server()  # skips, saying what is missing
    assert (len(_REPORTING), len(_CHAT)) == (96, 95)
