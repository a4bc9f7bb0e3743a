"""LlamaIndex applications of real clients, recorded from a local server and played by the stand-ins."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai import OpenAIEmbedding  # type: ignore[import-untyped]

from examsgraph_callbacks.demo.embeddings import QuestionVectors
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.errors import ReplayMissError
from examsgraph_callbacks.events import Exploration, LLMCall
from examsgraph_callbacks.graph import MemoryGraph
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.llama_index import (
    ExamsGraphEventHandler,
    GraphPathRetriever,
    ReplayEmbedding,
    ReplayLLM,
    ReplayRetriever,
)
from examsgraph_callbacks.replay import Player
from tests.graph.graphs import demo_graph
from tests.llama_index.provider import Provider
from tests.llama_index.test_recordings import needs_anthropic
from tests.replay.played import cut, no_sockets, the_same
from tests.servers.openai_server import Answer

ASKED = [
    ChatMessage(role="system", content="당신은 튜터입니다."),
    ChatMessage(role="user", content="정규화란?"),
]


def calls(journal: Path) -> list[dict[str, Any]]:
    """What was recorded of the calls, but whose class they were of, and its sampling."""
    facts = the_same(fact for fact in Journal(journal).read() if isinstance(fact, LLMCall))
    for fact in facts:
        fact["request"].pop("parameters")
        del fact["name"], fact["provider"]
    return facts


async def test_a_chat_whole_and_streamed_is_played_as_it_was(provider: Provider, tmp_path: Path) -> None:
    provider.server.will(
        Answer("정규화는 중복을 제거합니다.", cached_tokens=32),
        Answer("정규화는 중복을 제거합니다.", reasoning_tokens=3),
    )
    with ExamsGraphEventHandler(tmp_path / "live"):
        whole = await provider.chat().achat(ASKED)
        streamed = [one.delta or "" async for one in await provider.chat().astream_chat(ASKED)]
    recording = cut(tmp_path / "live", tmp_path / "chat.egrec.jsonl")

    with no_sockets(), ExamsGraphEventHandler(tmp_path / "played"):
        llm = ReplayLLM(Player(recording), "gpt-4o")
        again = await llm.achat(ASKED)
        deltas = [one.delta or "" async for one in await llm.astream_chat(ASKED)]
        with pytest.raises(ReplayMissError, match="at most 2 calls like this one"):
            llm.chat(ASKED)
    assert again.message.content == whole.message.content
    assert "".join(deltas) == "".join(streamed)
    assert len([delta for delta in deltas if delta]) == 3, "a word each"
    replayed = [fact for fact in calls(tmp_path / "played") if fact["error_type"] != "ReplayMissError"]
    assert replayed == calls(tmp_path / "live")


@needs_anthropic
async def test_how_long_claude_keeps_what_it_wrote_is_played_too(provider: Provider, tmp_path: Path) -> None:
    provider.server.will(
        Answer(
            served_model="claude-haiku-4-5-20251001",
            input_tokens=1000,
            cached_tokens=400,
            cache_write_tokens=300,
            cache_write_1h_tokens=200,
        )
    )
    with ExamsGraphEventHandler(tmp_path / "live"):
        await provider.claude().achat(ASKED)
    recording = cut(tmp_path / "live", tmp_path / "claude.egrec.jsonl")

    with no_sockets(), ExamsGraphEventHandler(tmp_path / "played"):
        await ReplayLLM(Player(recording), "claude-haiku-4-5").achat(ASKED)
    (live,), (replayed,) = calls(tmp_path / "live"), calls(tmp_path / "played")
    assert live["cache_write_1h_tokens"] == 200
    assert {**replayed, "reasoning_tokens": None} == {**live, "reasoning_tokens": None}


@needs_anthropic
async def test_that_claude_did_not_tell_it_is_played_too(provider: Provider, tmp_path: Path) -> None:
    answer = Answer(input_tokens=1000, cached_tokens=400, cache_write_tokens=300, cache_write_1h_tokens=200)
    provider.server.will(answer, answer)
    claude = provider.claude(additional_kwargs={"cache_control": {"type": "ephemeral"}})
    asked = [
        ChatMessage("정규화란?", additional_kwargs={"cache_control": {"type": "ephemeral", "ttl": "1h"}})
    ]
    with ExamsGraphEventHandler(tmp_path / "live"):
        list(claude.stream_chat(asked))
        _ = [each async for each in await claude.astream_chat(asked)]
    recording = cut(tmp_path / "live", tmp_path / "claude.egrec.jsonl")

    with no_sockets(), ExamsGraphEventHandler(tmp_path / "played"):
        # whom nobody told of five minutes
        llm = ReplayLLM(Player(recording), "claude-haiku-4-5")
        list(llm.stream_chat(asked))
        _ = [each async for each in await llm.astream_chat(asked)]
    live, replayed = calls(tmp_path / "live"), calls(tmp_path / "played")
    assert [fact["cache_write_split_open"] for fact in live] == [True, True]
    for fact in (*live, *replayed):
        del fact["reasoning_tokens"]
    assert replayed == live


def look_up(concept: str) -> str:
    """Look a concept up."""
    return f"{concept}: 중복을 제거하는 과정"


@pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecationWarning")  # in LlamaIndex's workflows
async def test_an_agent_with_tools_is_played(provider: Provider, tmp_path: Path) -> None:
    provider.server.will(
        Answer(tool=("look_up", {"concept": "정규화"}), input_tokens=90),
        Answer("정규화는 중복을 없앱니다.", input_tokens=130),
    )
    tool = FunctionTool.from_defaults(look_up)
    with ExamsGraphEventHandler(tmp_path / "live"):
        first = await FunctionAgent(tools=[tool], llm=provider.chat(), streaming=False).run("정규화란?")
    recording = cut(tmp_path / "live", tmp_path / "agent.egrec.jsonl")
    with ExamsGraphEventHandler(tmp_path / "played"):
        llm = ReplayLLM(Player(recording), "gpt-4o")
        again = await FunctionAgent(tools=[tool], llm=llm, streaming=False).run("정규화란?")
    assert str(again) == str(first) == "정규화는 중복을 없앱니다."
    assert calls(tmp_path / "played") == calls(tmp_path / "live")


async def test_an_error_is_raised_again(provider: Provider, tmp_path: Path) -> None:
    provider.server.will(Answer(status=429))
    with (
        ExamsGraphEventHandler(tmp_path / "live"),
        pytest.raises(Exception, match="refused with 429") as live,
    ):
        await provider.chat().achat(ASKED)
    player = Player(cut(tmp_path / "live", tmp_path / "error.egrec.jsonl"))
    with pytest.raises(type(live.value), match="refused with 429"):
        await ReplayLLM(player, "gpt-4o").achat(ASKED)


async def test_an_index_is_asked_again_by_recorded_vectors(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_CAPTURE_EMBEDDINGS", "true")
    monkeypatch.setenv("EXAMSGRAPH_DOCUMENT_LIMIT", "1000000")
    documents = [Document(text="제1정규형은 원자값만 갖습니다.", id_="1nf", metadata={"쪽": 3})]

    async def asked(embed_model: Any, llm: Any) -> Any:
        index = await asyncio.to_thread(VectorStoreIndex.from_documents, documents, embed_model=embed_model)
        return await index.as_query_engine(llm=llm).aquery("제1정규형이란?")

    real = OpenAIEmbedding(
        model="text-embedding-3-small",
        api_base=provider.server.url,
        api_key="not-a-key",
        http_client=provider.http,
        async_http_client=provider.ahttp,
    )
    with ExamsGraphEventHandler(tmp_path / "live"):
        first = await asked(real, provider.chat())
    recording = cut(tmp_path / "live", tmp_path / "index.egrec.jsonl.gz")
    with no_sockets():
        player = Player(recording)
        again = await asked(ReplayEmbedding(player, "text-embedding-3-small"), ReplayLLM(player, "gpt-4o"))
        (node,) = await ReplayRetriever(player).aretrieve("제1정규형이란?")
    assert str(again) == str(first)
    assert node.text == first.source_nodes[0].text
    assert node.score == pytest.approx(first.source_nodes[0].score)
    assert node.metadata == {"쪽": 3}


def test_a_path_is_taken_again(tmp_path: Path) -> None:
    graph = demo_graph()
    memory = MemoryGraph(graph.concepts, graph.relations)
    question = "정규화의 목적으로 가장 알맞은 것은?"
    with ExamsGraphEventHandler(tmp_path / "live"):
        first = GraphPathRetriever(memory, QuestionVectors(load_questions())).retrieve(question)
    player = Player(cut(tmp_path / "live", tmp_path / "path.egrec.jsonl"))
    with ExamsGraphEventHandler(tmp_path / "played"):
        again = ReplayRetriever(player).retrieve(question)
    assert [(one.node_id, one.text, one.score) for one in again] == [
        (one.node_id, one.text, one.score) for one in first
    ]
    (live,) = (fact for fact in Journal(tmp_path / "live").read() if isinstance(fact, Exploration))
    (played,) = (fact for fact in Journal(tmp_path / "played").read() if isinstance(fact, Exploration))
    assert (played.hops, played.seeds, played.query) == (live.hops, live.seeds, live.query)
