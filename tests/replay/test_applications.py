"""Whole applications, unchanged, played by `examsgraph run --replay` in processes that open no socket."""

from pathlib import Path

import pytest

from examsgraph_callbacks import Journal
from examsgraph_callbacks.events import LLMCall
from tests.replay.played import cut, the_same
from tests.run.conftest import RECORDED, Directory, directory
from tests.servers.openai_server import Answer, LedgerServer

__all__ = ["directory"]

NO_SOCKETS = """
    import socket

    def refuse(*address):
        raise SystemExit(f"a socket was to be connected: {address}")

    socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""

LESSON = """
    from examsgraph_callbacks import Journal
    from examsgraph_callbacks.console import Screen
    from examsgraph_callbacks.demo import tutor
    from examsgraph_callbacks.demo.run import record_lesson

    record_lesson(Journal(), Screen(), 0)
"""


def replayed(directory: Directory, recording: Path, application: str) -> tuple[int, str]:
    command = [*RECORDED[:-1], "run", "--replay", str(recording), application]
    key = "any" if application == "tutor.py" else ""
    ended = directory.run(command, OPENAI_API_KEY=key, NEO4J_URI="", EXAMSGRAPH_CAPTURE_EMBEDDINGS="true")
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture
def lesson(directory: Directory) -> Path:
    """The demo's lesson, recorded."""
    directory.write("lesson.py", LESSON)
    ended = directory.run([*RECORDED, "lesson.py"], EXAMSGRAPH_DOCUMENT_LIMIT="1000000")
    assert ended.returncode == 0, ended.stderr
    return cut(directory.journal.path, directory.path / "lesson.egrec.jsonl")


def test_the_demo_is_played_without_a_socket_and_its_facts_are_the_same(
    directory: Directory, lesson: Path
) -> None:
    directory.write("offline.py", NO_SOCKETS + LESSON)
    returncode, said = replayed(directory, lesson, "offline.py")
    assert returncode == 0, said
    live = the_same(directory.journal.read())
    assert len(live) == 202
    assert the_same(Journal(directory.path / ".examsgraph" / "replay").read()) == live


def test_with_the_wrong_prompt_the_miss_is_explained(directory: Directory, lesson: Path) -> None:
    change = 'tutor._EXPLAIN_SYSTEM = tutor._EXPLAIN_SYSTEM.replace("다섯 문장", "세 문장")'
    directory.write(
        "changed.py", NO_SOCKETS + LESSON.replace("record_lesson(", f"{change}\n    record_lesson(")
    )
    returncode, said = replayed(directory, lesson, "changed.py")
    assert returncode == 0, "the lesson goes on when turns fail"
    assert "38 turns failed" in said
    assert "examsgraph: 38 not answered from the recording; the first: expected a call of gpt-4o" in said
    assert "messages[0].content (character" in said
    assert "다섯 문장" in said
    assert "세 문장" in said


TUTOR = """
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    prompt = ChatPromptTemplate([("system", "당신은 튜터입니다."), ("human", "{question}")])
    vector = OpenAIEmbeddings(check_embedding_ctx_length=False).embed_query("정규화란?")
    for chunk in (prompt | ChatOpenAI(model="gpt-4o", max_retries=0)).stream({"question": "정규화란?"}):
        print(chunk.content, end="")
    print(len(vector))
"""


def test_an_unmodified_application_of_openai_is_played(directory: Directory) -> None:
    directory.write("tutor.py", TUTOR)
    with LedgerServer() as server:
        server.will(Answer(input_tokens=3), Answer("정규화는 중복을 없앱니다."))
        ended = directory.run(
            [*RECORDED, "tutor.py"],
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY="not-a-key",
            EXAMSGRAPH_CAPTURE_EMBEDDINGS="true",
        )
    assert ended.returncode == 0, ended.stderr
    recording = cut(directory.journal.path, directory.path / "tutor.egrec.jsonl.gz")
    directory.write("tutor.py", NO_SOCKETS + TUTOR)
    returncode, said = replayed(directory, recording, "tutor.py")
    assert (returncode, said) == (0, ended.stdout)
    again = list(Journal(directory.path / ".examsgraph" / "replay").read())
    assert [fact["kind"] for fact in the_same(again)] == ["embedding_call", "llm_call", "trace"]
    assert any(isinstance(fact, LLMCall) and fact.streamed for fact in again)
    assert the_same(again) == the_same(directory.journal.read())


def test_what_is_no_recording_is_told_before_the_application_begins(directory: Directory) -> None:
    directory.write("tutor.py", "print('begun')")
    (directory.path / "lesson.egrec.jsonl").write_text("")
    returncode, said = replayed(directory, directory.path / "lesson.egrec.jsonl", "tutor.py")
    assert returncode == 1
    assert "found an empty file" in said
    assert "begun" not in said
    assert "Traceback" not in said


DIRECT = """
    import urllib.request
    from openai import OpenAI

    asked = [{"role": "user", "content": "정규화란?"}]
    answer = OpenAI(max_retries=0).chat.completions.create(model="gpt-4o", messages=asked)
    print(answer.choices[0].message.content)
    print(urllib.request.urlopen("data:text/plain,open").read().decode())
"""


def test_what_is_not_langchains_stays_live_and_the_help_says_so(directory: Directory) -> None:
    directory.write("tutor.py", TUTOR)
    with LedgerServer() as server:
        answers = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "not-a-key"}
        server.will(Answer(input_tokens=3), Answer("정규화는 중복을 없앱니다."))
        ended = directory.run([*RECORDED, "tutor.py"], EXAMSGRAPH_CAPTURE_EMBEDDINGS="true", **answers)
        assert ended.returncode == 0, ended.stderr
        recording = cut(directory.journal.path, directory.path / "tutor.egrec.jsonl")
        directory.write("direct.py", DIRECT)
        server.will(Answer("살아 있습니다."))
        billed = len(server.ledger)
        command = [*RECORDED[:-1], "run", "--replay", str(recording), "direct.py"]
        ended = directory.run(command, **answers)
        assert ended.stdout.split("\n")[:2] == ["살아 있습니다.", "open"], ended.stderr
        assert len(server.ledger) == billed + 1
    told = " ".join(directory.run([*RECORDED[:-1], "run", "--help"], COLUMNS="200").stdout.split())
    assert "All else stays live, and costs what it costs" in told
    assert "no network" not in told
