"""Nothing secret reaches the journal's file, wherever in a turn it stands; without content, no text does."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import ChatMessage
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import FunctionTool
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai import OpenAI, OpenAIResponses

from examsgraph_callbacks import Journal
from examsgraph_callbacks.capture import pseudonym
from examsgraph_callbacks.events import (
    SCHEMA_VERSION,
    EmbeddingCall,
    Fact,
    LLMCall,
    Retrieval,
    RunFact,
    ToolCall,
    Trace,
)
from examsgraph_callbacks.llama_index import ExamsGraphEventHandler
from examsgraph_callbacks.measure import count_tokens
from tests.llama_index.models import ScriptedLLM
from tests.llama_index.test_calls import METHODS, call
from tests.llama_index.test_recordings import needs_anthropic
from tests.servers.openai_server import Answer, LedgerServer

DOMAIN = "secret.example.com"
KINDS = {Trace, LLMCall, EmbeddingCall, Retrieval, ToolCall}
PLACES = (
    *("question", "system", "earlier-call", "earlier-result", "tool-description"),
    *("answer", "streamed", "partial", "llm-error", "tool-error", "retriever-error", "turn-error"),
    *("query", "document", "metadata-key", "metadata-value", "document-id"),
    *("tool-input", "tool-output", "embedding-error"),
)


def said(place: str) -> str:
    """What is said at `place`: Korean, and an address that names the place."""
    return f"{place} 말: {place}@{DOMAIN}입니다"


class Library(BaseRetriever):
    """Finds a node with an address in each of its corners."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.failure = failure

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if self.failure is not None:
            raise self.failure
        metadata = {said("metadata-key"): {"저자": [said("metadata-value")]}, "쪽": 3}
        node = TextNode(id_=said("document-id"), text=said("document"), metadata=metadata)
        return [NodeWithScore(node=node, score=0.92)]


class Vectors(BaseEmbedding):
    """Embeds nothing."""

    def _get_query_embedding(self, query: str) -> list[float]:
        raise OSError(said("embedding-error"))

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_query_embedding(text)


def explain(concept: str) -> str:
    """Explain a concept."""
    if concept == "없음":
        raise ValueError(said("tool-error"))
    return said("tool-output")


def turn(usage: dict[str, Any] | None) -> None:
    """Does what a tutor does, and says something at each of `PLACES`."""
    tools = [{"type": "function", "function": {"name": "explain", "description": said("tool-description")}}]
    earlier = ChatMessage(
        role="assistant",
        content="",
        additional_kwargs={"tool_calls": [{"function": {"arguments": said("earlier-call")}, "id": "1"}]},
    )
    messages: Sequence[ChatMessage] = [
        ChatMessage(said("system"), role="system"),
        earlier,
        ChatMessage(said("earlier-result"), role="tool", additional_kwargs={"tool_call_id": "1"}),
        ChatMessage(said("question")),
    ]
    ScriptedLLM(answer=said("answer"), usage=usage).chat(messages, tools=tools)
    list(ScriptedLLM(answer=said("streamed"), usage=usage).stream_complete("?"))
    tool: Any = FunctionTool.from_defaults(explain)
    tool(concept=said("tool-input"))
    RetrieverQueryEngine.from_args(Library(), llm=ScriptedLLM(usage=usage)).query(said("query"))
    breaking = ScriptedLLM(answer=f"{said('partial')} 끝", failure=OSError(said("llm-error")), fail_after=3)
    failing: list[Callable[[], object]] = [
        lambda: list(breaking.stream_chat([ChatMessage("?")])),
        lambda: Library(OSError(said("retriever-error"))).retrieve("?"),
        lambda: tool(concept="없음"),
        lambda: Vectors().get_query_embedding("?"),
        lambda: RetrieverQueryEngine.from_args(
            Library(), llm=ScriptedLLM(failure=OSError(said("turn-error")))
        ).query("?"),
    ]
    for attempt in failing:
        with suppress(OSError, ValueError):
            attempt()


# LlamaIndex counts the tokens of a prompt on an event loop, and leaves one open that it has to make:
# the tests bring one
def recorded(directory: Path, usage: dict[str, Any] | None = None, **about: Any) -> tuple[list[Fact], str]:
    """The facts of a turn, and all that was written to the disk."""
    with ExamsGraphEventHandler(directory, **about) as handler:
        turn(usage)
    written = "".join(segment.read_text(encoding="utf-8") for segment in handler.journal.segments())
    return list(handler.journal.read()), written


async def test_every_place_of_a_turn_reaches_the_journal(tmp_path: Path) -> None:
    # else the promises below would be kept by recording nothing
    facts, written = recorded(tmp_path, redact=lambda text: text)
    assert {type(fact) for fact in facts} == KINDS
    assert not [place for place in PLACES if f"{place}@{DOMAIN}" not in written]


async def test_no_address_reaches_the_disk_from_any_place_and_the_words_around_it_do(tmp_path: Path) -> None:
    facts, written = recorded(tmp_path)
    assert {type(fact) for fact in facts} == KINDS
    assert DOMAIN not in written
    assert not [place for place in PLACES if f"{place} 말: [EMAIL]입니다" not in written]


async def test_without_content_no_text_reaches_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_CAPTURE_CONTENT", "false")
    facts, written = recorded(tmp_path)
    assert {type(fact) for fact in facts} == KINDS
    known = {
        *(text for fact in facts for text in (fact.event_id, fact.trace_id, fact.kind)),
        *(text for fact in facts if isinstance(fact, RunFact) for text in (fact.run_id, fact.name)),
        *("ok", "error", "partial", "OSError", "ValueError", SCHEMA_VERSION),
        *("gpt-4o", "gpt-4o-2024-08-06", "stop", "default"),
        said("document-id"),
    }
    texts = {text for line in written.splitlines() for text in _values(json.loads(line))}
    assert {text for text in texts if not (text.startswith("20") and text.endswith("Z"))} <= known


async def test_reported_and_estimated_tokens_are_the_same_redacted_or_not(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    for reported in (usage, None):
        plain, _ = recorded(tmp_path / f"plain {reported}", reported, redact=lambda text: text)
        redacted, _ = recorded(tmp_path / f"redacted {reported}", reported)
        for one, other in zip(_calls(plain), _calls(redacted), strict=True):
            exact, near = count_tokens(one), count_tokens(other)
            if one.usage_source == "reported":
                assert near == exact
            elif one.status == "ok":
                assert near.input_tokens == pytest.approx(exact.input_tokens, rel=0.15, abs=3)
                assert near.output_tokens == pytest.approx(exact.output_tokens, abs=3)
                assert near.estimated


async def test_learners_are_recorded_under_pseudonyms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_USER_KEY", "0123456789abcdef")
    facts, written = recorded(tmp_path, user_id="kim@example.com", session_id="kim-7")
    assert {fact.user_id for fact in facts} == {pseudonym("kim@example.com", "0123456789abcdef")}
    assert "kim" not in written


class TestWhatAClientIsMadeWith:
    SECRET = "zebra-7f3a"  # of no form that redaction would know

    def llm(self, kind: str, server: LedgerServer, http: httpx.Client) -> Any:
        about: dict[str, Any] = {
            "api_key": f"{self.SECRET}-key",
            "max_retries": 0,
            "default_headers": {"Authorization": f"Basic {self.SECRET}-header", "X-Team": f"{self.SECRET}-t"},
        }
        if kind == "claude":
            return Anthropic(model="claude-haiku-4-5", base_url=server.root, **about)
        sent = {"extra_headers": {"X-Own": f"{self.SECRET}-own"}, "user": f"{self.SECRET}-user"}
        about |= {"api_base": server.url, "http_client": http, "additional_kwargs": sent}
        return (OpenAI if kind == "chat" else OpenAIResponses)(model="gpt-4o", **about)

    @pytest.mark.parametrize("method", [method for method in METHODS if not method.startswith("a")])
    @pytest.mark.parametrize("kind", ["chat", "responses", pytest.param("claude", marks=[needs_anthropic])])
    @pytest.mark.parametrize("status", [200, 401])
    async def test_is_not_recorded(self, kind: str, method: str, status: int, tmp_path: Path) -> None:
        failed = None
        with (
            LedgerServer() as server,
            httpx.Client(verify=False) as http,
            ExamsGraphEventHandler(tmp_path) as handler,
        ):
            server.default = Answer(status=status)
            llm = self.llm(kind, server, http)
            try:
                await call(llm, method)
            except Exception as error:  # noqa: BLE001 - whatever the client raises
                failed = error
            if kind == "claude":
                llm._client.close()
                await llm._aclient.close()
        assert (failed is None) == (status == 200)
        (segment,) = Journal(tmp_path).segments()
        written = segment.read_text(encoding="utf-8")
        assert "정규화란?" in written
        assert self.SECRET not in written
        assert handler.open_runs == 0


def _calls(facts: list[Fact]) -> list[LLMCall]:
    return [fact for fact in facts if isinstance(fact, LLMCall)]


def _values(value: Any) -> list[str]:
    if isinstance(value, (dict, list)):
        items = value.values() if isinstance(value, dict) else value
        return [text for item in items for text in _values(item)]
    return [value] if isinstance(value, str) else []
