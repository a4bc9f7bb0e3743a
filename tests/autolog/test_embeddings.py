"""OpenAI's embedding calls under autolog: one fact a request, with the provider's own token count."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from langchain_core.runnables import RunnableLambda
from langchain_openai import OpenAIEmbeddings
from openai.resources.embeddings import AsyncEmbeddings, Embeddings
from pydantic import SecretStr

from examsgraph_callbacks import Journal, autolog, tutoring
from examsgraph_callbacks.events import EmbeddingCall, Trace
from examsgraph_callbacks.failures import FailureLog
from examsgraph_callbacks.measure import Meter
from tests.servers.openai_bodies import VECTOR
from tests.servers.openai_server import Answer, LedgerServer

MODEL = "text-embedding-3-small"
USD_PER_MILLION = Decimal("0.02")  # OpenAI's published price of it
TEXTS = ["정규화", "제1정규형", "이상현상"]


@dataclass
class Provider:
    """The server, and real clients of it."""

    server: LedgerServer
    http: httpx.Client
    ahttp: httpx.AsyncClient

    def embeddings(self, **more: Any) -> OpenAIEmbeddings:
        return OpenAIEmbeddings(
            model=MODEL,
            openai_api_base=self.server.url,
            openai_api_key=SecretStr("not-a-key"),
            max_retries=0,
            # else it counts with tiktoken, which downloads its ranks
            check_embedding_ctx_length=False,
            http_client=self.http,
            http_async_client=self.ahttp,
            **more,
        )

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=self.server.url, api_key="not-a-key", max_retries=0, http_client=self.http
        )


@pytest.fixture
def provider() -> Iterator[Provider]:
    with LedgerServer() as server, httpx.Client() as http:
        yield Provider(server, http, httpx.AsyncClient())


def calls(journal: Journal) -> list[EmbeddingCall]:
    return [fact for fact in journal.read() if isinstance(fact, EmbeddingCall)]


def assert_agreed(provider: Provider, journal: Journal) -> None:
    billed = sorted(
        (bill.model, bill.input_tokens, bill.input_tokens * USD_PER_MILLION / 1_000_000)
        for bill in provider.server.ledger
    )
    assert billed
    meter = Meter()
    assert billed == sorted(
        (call.served_model, call.input_tokens, meter.measure(call).cost_usd) for call in calls(journal)
    )


async def test_through_langchain_sync_and_async_ledger_and_journal_agree(
    journal: Journal,
    provider: Provider,
) -> None:
    provider.server.will(*(Answer(input_tokens=number) for number in range(1, 7)))
    embeddings = provider.embeddings(chunk_size=2)
    embeddings.embed_query("정규화란?")
    embeddings.embed_documents(TEXTS)
    async with provider.ahttp:
        await embeddings.aembed_query("정규화란?")
        await embeddings.aembed_documents(TEXTS)

    assert_agreed(provider, journal)
    assert sorted(call.text_count for call in calls(journal)) == [1, 1, 1, 1, 2, 2]
    assert {(call.provider, call.requested_model) for call in calls(journal)} == {("openai", MODEL)}
    assert {(call.usage_source, call.status) for call in calls(journal)} == {("reported", "ok")}


def test_neither_texts_nor_vectors_are_recorded(journal: Journal, provider: Provider) -> None:
    provider.embeddings().embed_documents(TEXTS)

    (segment,) = journal.segments()
    written = segment.read_text(encoding="utf-8")
    assert "정규화" not in written
    assert str(VECTOR[0]) not in written


def test_a_call_stands_in_the_trace_around_it_with_its_context(journal: Journal, provider: Provider) -> None:
    embeddings = provider.embeddings()

    def step(question: str) -> list[float]:
        with tutoring(question_id="q_001"):
            return embeddings.embed_query(question)

    with tutoring(user_id="user_001"):
        RunnableLambda(step).invoke("?")

    call, trace = journal.read()
    assert isinstance(call, EmbeddingCall)
    assert isinstance(trace, Trace)
    assert (call.trace_id, call.parent_run_id) == (trace.run_id, trace.run_id)
    assert (call.user_id, call.question_id) == ("user_001", "q_001")


def test_outside_of_any_chain_a_call_is_its_own_trace(journal: Journal, provider: Provider) -> None:
    with tutoring(user_id="user_001"):
        provider.client().embeddings.create(input=TEXTS, model=MODEL)

    (call,) = calls(journal)
    assert (call.trace_id, call.parent_run_id, call.user_id) == (call.run_id, None, "user_001")


def test_a_failed_call_is_an_error_whose_usage_is_unknown(journal: Journal, provider: Provider) -> None:
    provider.server.will(Answer(status=500))
    with pytest.raises(openai.InternalServerError):
        provider.client().embeddings.create(input="?", model=MODEL)

    (call,) = calls(journal)
    assert (call.status, call.error_type, call.input_tokens) == ("error", "InternalServerError", None)
    assert (call.usage_source, call.text_count) == (None, 1)


@pytest.mark.parametrize(
    ("given", "count"),
    [("정규화", 1), (TEXTS, 3), ([1, 2, 3], 1), ([[1, 2], [3]], 2)],
    ids=["a text", "texts", "tokens", "tokens of texts"],
)
def test_texts_are_counted_however_they_are_given(
    journal: Journal,
    provider: Provider,
    given: Any,
    count: int,
) -> None:
    provider.server.will(Answer(status=500))
    with pytest.raises(openai.InternalServerError):
        provider.client().embeddings.create(input=given, model=MODEL)

    (call,) = calls(journal)
    assert call.text_count == count


def test_a_raw_response_is_recorded_and_reaches_the_caller_raw(journal: Journal, provider: Provider) -> None:
    raw = provider.client().embeddings.with_raw_response.create(input=TEXTS, model=MODEL)

    assert raw.http_response.status_code == 200
    assert raw.parse().data[0].embedding == list(VECTOR)
    assert_agreed(provider, journal)


def test_a_streamed_response_is_left_to_its_reader(journal: Journal, provider: Provider) -> None:
    with provider.client().embeddings.with_streaming_response.create(input=TEXTS, model=MODEL) as streamed:
        assert b'"usage"' in streamed.read()

    (call,) = calls(journal)
    assert (call.status, call.input_tokens, call.text_count) == ("ok", None, 3)


def test_an_azure_deployment_is_told_apart(journal: Journal, provider: Provider) -> None:
    client = openai.AzureOpenAI(
        azure_endpoint=provider.server.root,
        api_version="2024-10-21",
        api_key="not-a-key",
        http_client=provider.http,
    )
    provider.server.will(Answer(served_model="text-embedding-3-large"))
    client.embeddings.create(input="?", model="embeddings-eastus")

    (call,) = calls(journal)
    assert (call.provider, call.requested_model, call.served_model) == (
        "azure",
        "embeddings-eastus",
        "text-embedding-3-large",
    )


def test_a_failure_of_ours_leaves_the_call_alone(
    journal: Journal,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("a bug of ours")

    told = FailureLog()
    monkeypatch.setattr("examsgraph_callbacks.openai.embeddings.failures", told)
    monkeypatch.setattr("examsgraph_callbacks.capture.recorder.Recorder.begin", fail)
    assert provider.embeddings().embed_query("?") == list(VECTOR)
    assert told.counts() == {"recording an embedding call": 1}


class TestTheClientsClasses:
    def test_are_as_they_were_once_it_is_disabled(self, tmp_path: Path) -> None:
        originals = Embeddings.create, AsyncEmbeddings.create
        autolog(tmp_path)
        autolog(tmp_path / "other")
        assert Embeddings.create is not originals[0]
        assert AsyncEmbeddings.create is not originals[1]
        assert Embeddings.create.__doc__ == originals[0].__doc__
        autolog(disable=True)
        assert (Embeddings.create, AsyncEmbeddings.create) == originals

    def test_keep_what_somebody_else_has_put_around_since(
        self,
        tmp_path: Path,
        provider: Provider,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # so that it is put back to what it was before autolog
        monkeypatch.setattr(Embeddings, "create", Embeddings.create)
        autolog(tmp_path)
        ours, heard = Embeddings.create, []

        def theirs(self: Embeddings, **request: Any) -> Any:
            heard.append(request["model"])
            return ours(self, **request)

        Embeddings.create = theirs  # type: ignore[method-assign]
        autolog(disable=True)
        provider.client().embeddings.create(input="?", model=MODEL)

        assert heard == [MODEL]
        assert calls(Journal(tmp_path)) == []
