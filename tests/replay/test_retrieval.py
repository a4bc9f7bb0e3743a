"""Embeddings and retrievers, recorded under `autolog` and by a handler, played offline: the same again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import OpenAIEmbeddings
from pydantic import SecretStr

from examsgraph_callbacks import Journal, autolog
from examsgraph_callbacks.demo.embeddings import QuestionVectors
from examsgraph_callbacks.demo.questions import load_questions
from examsgraph_callbacks.errors import GraphUnavailableError, RecordingError, ReplayMissError
from examsgraph_callbacks.events import EmbeddingCall
from examsgraph_callbacks.graph import MemoryGraph
from examsgraph_callbacks.langchain import GraphPathRetriever, ReplayEmbeddings, ReplayRetriever
from examsgraph_callbacks.replay import Player
from tests.graph.graphs import demo_graph
from tests.replay.played import NOWHERE, chat, cut, played, recorded_by, the_same
from tests.servers.openai_bodies import VECTOR
from tests.servers.openai_server import Answer, LedgerServer

QUESTION = "정규화의 목적으로 가장 알맞은 것은?"


@pytest.fixture(autouse=True)
def kept_as_replay_needs_it(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("EXAMSGRAPH_CAPTURE_EMBEDDINGS", "true")
    monkeypatch.setenv("EXAMSGRAPH_DOCUMENT_LIMIT", "1000000")
    yield
    autolog(disable=True)


def embeddings(url: str = NOWHERE) -> OpenAIEmbeddings:
    return OpenAIEmbeddings(
        model="text-embedding-3-small",
        openai_api_base=url,
        openai_api_key=SecretStr("not-a-key"),
        max_retries=0,
        check_embedding_ctx_length=False,
        http_client=httpx.Client(verify=False, limits=httpx.Limits(max_keepalive_connections=0)),
        http_async_client=httpx.AsyncClient(verify=False),
    )


LONG = Document(id="1nf", page_content="제1정규형은 원자값만 갖습니다. " * 60, metadata={"쪽": 3})


def answer(url: str, question: str) -> Any:
    """A turn: documents from a vector store, and an answer from them."""
    store = InMemoryVectorStore(embeddings(url))
    store.add_documents([LONG, Document(id="sql", page_content="SQL은 질의어입니다.")])
    retriever = store.as_retriever(search_kwargs={"k": 2})

    def turn(asked: str) -> str:
        found = retriever.invoke(asked)
        return str(chat(url).invoke(f"{found[0].page_content}\n\n{asked}").content)

    return RunnableLambda(turn).with_config(run_name="Tutor").invoke(question)


def test_embeddings_and_what_is_found_by_them(server: LedgerServer, tmp_path: Path) -> None:
    server.will(Answer(input_tokens=700), Answer(input_tokens=9), Answer("원자값", input_tokens=300))
    autolog(tmp_path / "live")
    first = answer(server.url, QUESTION)
    autolog(disable=True)
    recording = cut(tmp_path / "live", tmp_path / "lesson.egrec.jsonl")

    with played(recording):
        autolog(tmp_path / "played")
        again = answer(NOWHERE, QUESTION)
        autolog(disable=True)
    assert again == first == "원자값"
    live, replayed = (the_same(Journal(tmp_path / name).read()) for name in ("live", "played"))
    assert replayed == live
    assert {fact["kind"] for fact in live} == {"trace", "embedding_call", "retrieval", "llm_call"}
    (kept,) = (fact for fact in live if fact["kind"] == "embedding_call" and fact["text_count"] == 2)
    assert kept["texts"][0] == LONG.page_content


def test_stand_ins_for_embeddings_and_retriever(server: LedgerServer, tmp_path: Path) -> None:
    server.will(Answer(input_tokens=700), Answer(input_tokens=9), Answer("원자값"))
    autolog(tmp_path / "live")
    answer(server.url, QUESTION)
    autolog(disable=True)
    player = Player(cut(tmp_path / "live", tmp_path / "lesson.egrec.jsonl.gz"))

    stand_in = ReplayEmbeddings(player, "text-embedding-3-small")
    assert stand_in.embed_query(QUESTION) == list(VECTOR)
    assert stand_in.embed_documents([LONG.page_content, QUESTION]) == [list(VECTOR)] * 2
    with pytest.raises(ReplayMissError, match=r"the text differs: recorded 'SQL은 질의어입니다\.'"):
        stand_in.embed_query("SQL은 무엇입니까?")

    retriever = ReplayRetriever(player=player)
    found = retriever.invoke(QUESTION, recorded_by(tmp_path / "played"))
    assert LONG in found
    with pytest.raises(ReplayMissError, match="found one more"):
        retriever.invoke(QUESTION)
    with pytest.raises(ReplayMissError, match=r"the nearest, .*, is another: the query differs"):
        retriever.invoke("SQL이란?")


def test_without_vectors_the_setting_that_keeps_them_is_named(
    server: LedgerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXAMSGRAPH_CAPTURE_EMBEDDINGS")
    autolog(tmp_path / "live")
    embeddings(server.url).embed_query(QUESTION)
    autolog(disable=True)
    (fact,) = Journal(tmp_path / "live").read()
    assert isinstance(fact, EmbeddingCall)
    assert (fact.texts, fact.vectors) == ((), ())
    player = Player(cut(tmp_path / "live", tmp_path / "lesson.egrec.jsonl"))
    with pytest.raises(ReplayMissError, match="EXAMSGRAPH_CAPTURE_EMBEDDINGS=true"):
        ReplayEmbeddings(player).embed_query(QUESTION)


def test_without_content_neither_texts_nor_vectors_are_kept(
    server: LedgerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_CAPTURE_CONTENT", "false")
    autolog(tmp_path / "live")
    embeddings(server.url).embed_query(QUESTION)
    (fact,) = Journal(tmp_path / "live").read()
    assert isinstance(fact, EmbeddingCall)
    assert (fact.texts, fact.vectors, fact.text_count) == ((), (), 1)


class Down(MemoryGraph):
    """A graph that cannot be asked."""

    def nearest(self, *_args: Any) -> Any:
        raise GraphUnavailableError("the graph is down: start it")


class DownAtTheSecondQuestion(MemoryGraph):
    """A graph whose server goes away when the beginnings are known."""

    def neighbours(self, *_args: Any, **_kwargs: Any) -> Any:
        raise GraphUnavailableError("the graph is down: start it")


def path_retriever(graph: Any) -> GraphPathRetriever:
    questions = QuestionVectors(load_questions())
    return GraphPathRetriever(graph=graph, embeddings=questions, depth=3, similarity_threshold=0.7)


def test_a_path_through_the_graph_is_taken_again_without_the_graph(tmp_path: Path) -> None:
    graph = demo_graph()
    memory = MemoryGraph(graph.concepts, graph.relations)
    first = path_retriever(memory).invoke(QUESTION, recorded_by(tmp_path / "live"))
    recording = cut(tmp_path / "live", tmp_path / "path.egrec.jsonl")

    with played(recording):
        down = Down(graph.concepts, graph.relations)
        again = path_retriever(down).invoke(QUESTION, recorded_by(tmp_path / "played"))
    assert again == first
    live, replayed = (the_same(Journal(tmp_path / name).read()) for name in ("live", "played"))
    assert replayed == live
    assert [fact["kind"] for fact in live] == ["exploration", "retrieval"]

    alone = ReplayRetriever(player=Player(recording), recorded_name="GraphPathRetriever")
    assert alone.invoke(QUESTION, recorded_by(tmp_path / "alone")) == first
    assert the_same(Journal(tmp_path / "alone").read()) == live


async def test_a_path_is_taken_again_in_an_asynchronous_chain_too(tmp_path: Path) -> None:
    graph = demo_graph()
    memory = MemoryGraph(graph.concepts, graph.relations)
    first = await path_retriever(memory).ainvoke(QUESTION, recorded_by(tmp_path / "live"))
    with played(cut(tmp_path / "live", tmp_path / "path.egrec.jsonl")):
        again = await path_retriever(Down(graph.concepts, graph.relations)).ainvoke(QUESTION)
    assert again == first


def test_a_graph_that_failed_fails_again(tmp_path: Path) -> None:
    graph = demo_graph()
    with pytest.raises(GraphUnavailableError, match="the graph is down"):
        path_retriever(Down(graph.concepts, graph.relations)).invoke(QUESTION, recorded_by(tmp_path / "live"))
    with (
        played(cut(tmp_path / "live", tmp_path / "down.egrec.jsonl")),
        pytest.raises(GraphUnavailableError, match="the graph is down"),
    ):
        path_retriever(Down(graph.concepts, graph.relations)).invoke(
            QUESTION, recorded_by(tmp_path / "played")
        )
    live, replayed = (the_same(Journal(tmp_path / name).read()) for name in ("live", "played"))
    assert replayed == live


def test_a_document_that_was_cut_when_it_was_recorded_is_not_played_as_if_it_were_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_DOCUMENT_LIMIT", "20")
    graph = demo_graph()
    path_retriever(MemoryGraph(graph.concepts, graph.relations)).invoke(
        QUESTION, recorded_by(tmp_path / "live")
    )
    player = Player(cut(tmp_path / "live", tmp_path / "cut.egrec.jsonl"))
    with pytest.raises(
        RecordingError, match=r"of which 1\d? were recorded .* EXAMSGRAPH_DOCUMENT_LIMIT=1000000"
    ):
        player.retrieval(QUESTION)
