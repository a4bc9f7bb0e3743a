"""Nothing secret reaches the journal's file, wherever in a chain it stands; without content, no text does."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import tool

from examsgraph_callbacks.capture import pseudonym
from examsgraph_callbacks.errors import GraphUnavailableError
from examsgraph_callbacks.events import (
    SCHEMA_VERSION,
    Exploration,
    Fact,
    LLMCall,
    Retrieval,
    RunFact,
    ToolCall,
    Trace,
)
from examsgraph_callbacks.graph import Concept, MemoryGraph, Neighbourhood
from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler
from examsgraph_callbacks.langchain.retriever import GraphPathRetriever
from examsgraph_callbacks.measure import count_tokens
from tests.langchain.models import ScriptedModel

DOMAIN = "secret.example.com"
USAGE = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
LIMIT = 500  # characters of a document's text, by default

PLACES = (
    *("question", "system", "user", "name", "earlier-call", "earlier-result", "tool-description", "stop"),
    *("answer", "streamed", "partial", "llm-error", "tool-error", "retriever-error", "turn-error"),
    *("query", "document", "metadata-key", "metadata-value", "document-id", "straddling"),
    *("tool-input", "tool-output", "turn-output", "block", "graph-query", "graph-error"),
)


def said(place: str) -> str:
    """What is said at `place`: Korean, and an address that names the place."""
    return f"{place} 말: {place}@{DOMAIN}입니다"


class Library(BaseRetriever):
    """Finds documents with an address in each of their corners, one of them across the cut."""

    failure: Exception | None = None

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
    ) -> list[Document]:
        if self.failure is not None:
            raise self.failure
        metadata = {said("metadata-key"): {"저자": [said("metadata-value")]}, "score": 0.9, "쪽": 3}
        across = "가 " * (LIMIT // 2 - 8) + said("straddling") + " 나" * 500
        return [
            Document(page_content=said("document"), metadata=metadata, id=said("document-id")),
            Document(page_content=across),
        ]


class DownGraph(MemoryGraph):
    def neighbours(
        self, query_vector: Sequence[float], frontier: Sequence[str], max_degree: int
    ) -> Neighbourhood:
        raise GraphUnavailableError(said("graph-error"))


class OneDirection(Embeddings):
    def embed_query(self, text: str) -> list[float]:
        return [1.0, 0.0]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


@tool
def explain(concept: str) -> str:
    """Explain a concept."""
    if concept == "없음":
        raise ValueError(said("tool-error"))
    return said("tool-output")


def turn(usage: dict[str, int] | None) -> Runnable[Any, Any]:
    """A tutoring turn that says something at each of `PLACES`, and then fails."""
    tools = [{"type": "function", "function": {"name": "explain", "description": said("tool-description")}}]
    model = ScriptedModel(answer=said("answer"), usage=usage).bind(tools=tools, stop=[said("stop")])
    streaming = ScriptedModel(answer=said("streamed"), usage=usage)
    breaking = ScriptedModel(answer=f"{said('partial')} 끝", failure=OSError(said("llm-error")), fail_after=3)
    concept = Concept(name="정규화", summary="중복 제거", embedding=(1.0, 0.0))
    explorer = GraphPathRetriever(graph=DownGraph([concept], []), embeddings=OneDirection())
    earlier: Any = {"name": "explain", "args": {"concept": said("earlier-call")}, "id": "1"}
    failing: list[Callable[[], object]] = [
        lambda: list(breaking.stream("?")),
        lambda: Library(failure=OSError(said("retriever-error"))).invoke("?"),
        lambda: explain.invoke({"concept": "없음"}),
        lambda: explorer.invoke(said("graph-query")),
    ]

    def run(question: str) -> dict[str, str]:
        Library().invoke(said("query"))
        explain.invoke({"concept": said("tool-input")})
        model.invoke(
            [
                SystemMessage(said("system")),
                HumanMessage(said("user"), name=said("name")),
                AIMessage("", tool_calls=[earlier]),
                ToolMessage(said("earlier-result"), tool_call_id="1"),
                HumanMessage([{"type": "text", "text": said("block")}]),
            ],
        )
        list(streaming.stream("정규화란?"))
        for attempt in failing:
            with suppress(OSError, ValueError, GraphUnavailableError):
                attempt()
        if "실패" in question:
            raise RuntimeError(said("turn-error"))
        return {"explanation": said("turn-output")}

    return RunnableLambda(run)


def recorded(directory: Path, usage: dict[str, int] | None = None, **about: Any) -> tuple[list[Fact], str]:
    """The facts of one turn that went well and one that failed, and all that was written to the disk."""
    handler = ExamsGraphCallbackHandler(directory, **about)
    for question in (said("question"), f"실패: {said('question')}"):
        with suppress(RuntimeError):
            turn(usage).invoke(question, {"callbacks": [handler]})
    written = "".join(segment.read_text(encoding="utf-8") for segment in handler.journal.segments())
    return list(handler.journal.read()), written


def test_every_place_of_a_turn_reaches_the_journal(tmp_path: Path) -> None:
    # else the promises below would be kept by recording nothing
    facts, written = recorded(tmp_path, redact=lambda text: text)
    assert {type(fact) for fact in facts} == {Trace, LLMCall, Retrieval, ToolCall, Exploration}
    missing = [place for place in PLACES if place != "straddling" and f"{place}@{DOMAIN}" not in written]
    assert not missing


def test_no_address_reaches_the_disk_from_any_place_and_the_words_around_it_do(tmp_path: Path) -> None:
    facts, written = recorded(tmp_path)
    assert {type(fact) for fact in facts} == {Trace, LLMCall, Retrieval, ToolCall, Exploration}
    assert DOMAIN not in written
    assert "secret" not in written
    for place in PLACES:
        if place != "straddling":
            assert f"{place} 말: [EMAIL]입니다" in written


def test_a_secret_across_the_cut_of_a_document_leaves_no_half_behind(tmp_path: Path) -> None:
    facts, written = recorded(tmp_path, redact=lambda text: text)
    (long,) = [fact.documents[1] for fact in facts if isinstance(fact, Retrieval) and fact.documents][:1]
    assert long.content is not None
    assert LIMIT - 40 < len(long.content) <= LIMIT
    assert "straddling@" not in written


def test_a_redaction_that_fails_everywhere_loses_no_fact_and_leaks_nothing(tmp_path: Path) -> None:
    def broken(text: str) -> str:
        raise ValueError(text)

    facts, written = recorded(tmp_path / "broken", redact=broken)
    assert DOMAIN not in written
    assert "[REDACTION_FAILED]" in written
    assert len(facts) == len(recorded(tmp_path / "whole")[0])


def test_without_content_no_text_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMSGRAPH_CAPTURE_CONTENT", "false")
    facts, written = recorded(tmp_path)
    assert {type(fact) for fact in facts} == {Trace, LLMCall, Retrieval, ToolCall, Exploration}
    ids_and_labels = {
        *(text for fact in facts for text in (fact.event_id, fact.trace_id, fact.kind)),
        *(fact.run_id for fact in facts if isinstance(fact, RunFact)),
        *("run", "Library", "explain", "ScriptedModel", "GraphPathRetriever"),
        *("ok", "error", "partial", "RuntimeError", "OSError", "ValueError", "GraphUnavailableError"),
        *("openai", "gpt-4o", "gpt-4o-2024-08-06", "stop", SCHEMA_VERSION, "정규화", "(1+cos)/2"),
        *("both", "explorer"),
        "memory: 1 concepts, 0 relations",
        said("document-id"),
    }
    texts = {text for line in written.splitlines() for text in values(json.loads(line)) if not is_time(text)}
    assert texts <= ids_and_labels


def values(value: Any) -> list[str]:
    if isinstance(value, (dict, list)):
        items = value.values() if isinstance(value, dict) else value
        return [text for item in items for text in values(item)]
    return [value] if isinstance(value, str) else []


def is_time(text: str) -> bool:
    return text.startswith("20") and text.endswith("Z")


def test_reported_usage_is_the_same_with_and_without_content(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_content, _ = recorded(tmp_path / "with", USAGE)
    monkeypatch.setenv("EXAMSGRAPH_CAPTURE_CONTENT", "false")
    without, _ = recorded(tmp_path / "without", USAGE)
    reported = [tokens(fact) for fact in without if isinstance(fact, LLMCall) and fact.usage_source]
    assert reported == [
        tokens(fact) for fact in with_content if isinstance(fact, LLMCall) and fact.usage_source
    ]
    assert set(reported) == {(100, 20, False)}


def test_unreported_usage_is_estimated_without_content_too_and_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    as_said, _ = recorded(tmp_path / "as-said", redact=lambda text: text)
    redacted, _ = recorded(tmp_path / "redacted")
    monkeypatch.setenv("EXAMSGRAPH_CAPTURE_CONTENT", "false")
    dropped, _ = recorded(tmp_path / "dropped")
    estimates = [
        [tokens(fact) for fact in facts if isinstance(fact, LLMCall) and fact.status == "ok"]
        for facts in (as_said, redacted, dropped)
    ]
    for exact, near, rough in zip(*estimates, strict=True):
        assert near == (pytest.approx(exact[0], rel=0.1, abs=3), pytest.approx(exact[1], abs=3), True)
        assert rough == (pytest.approx(exact[0], rel=0.3), pytest.approx(exact[1], abs=8), True)


def tokens(call: LLMCall) -> tuple[int | None, int | None, bool]:
    counts = count_tokens(call)
    return counts.input_tokens, counts.output_tokens, counts.estimated


def test_learners_are_recorded_under_pseudonyms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMSGRAPH_USER_KEY", "0123456789abcdef")
    facts, written = recorded(tmp_path, user_id="kim@example.com", session_id="kim-7")
    assert {fact.user_id for fact in facts} == {pseudonym("kim@example.com", "0123456789abcdef")}
    assert "kim" not in written


def test_estimating_later_loads_no_encoding_in_the_chain(tmp_path: Path) -> None:
    code = (
        "import sys; from tests.langchain.test_privacy import recorded; from pathlib import Path;"
        f"facts, _ = recorded(Path({str(tmp_path)!r}));"
        "assert any(getattr(fact, 'request_length', None) for fact in facts);"
        "print('tiktoken' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
