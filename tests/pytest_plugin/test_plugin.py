"""Marked tests of a user's own project, recorded once against a server and played without it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from examsgraph_callbacks.replay import Recording
from tests.servers.openai_server import Answer, LedgerServer

ROOT = Path(__file__).resolve().parents[2]

LESSON = """
    import pytest
    from langchain_core.embeddings import Embeddings
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    from examsgraph_callbacks import tutoring

    def tutor(question):
        OpenAIEmbeddings(check_embedding_ctx_length=False).embed_query(question)
        return ChatOpenAI(model="gpt-4o", max_retries=0).invoke(question).content

    @pytest.mark.examsgraph_recording("recordings/lesson.egrec.jsonl")
    def test_lesson(examsgraph_recording):
        assert tutor("정규화란?") == "중복을 없애는 과정"
        examsgraph_recording.assert_costs(max_usd=0.01, max_tokens=1000, max_calls=2)
"""


@dataclass
class Project:
    """A project with tests, of which nothing is known but that this package is installed."""

    path: Path
    server: LedgerServer

    def write(self, text: str) -> None:
        (self.path / "test_lesson.py").write_text(dedent(text), encoding="utf-8")

    def test(self, *options: str, url: str | None = None) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
            cwd=self.path,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("EXAMSGRAPH_")},
                "PYTHONPATH": str(ROOT),
                # by name, and not twice where the package is installed
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "PYTEST_PLUGINS": "examsgraph_callbacks.pytest_plugin",
                "OPENAI_API_KEY": "not-a-key",
                "OPENAI_BASE_URL": url or "http://127.0.0.1:9/v1",
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return ended.stdout + ended.stderr

    @property
    def recording(self) -> Path:
        return self.path / "recordings" / "lesson.egrec.jsonl"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with LedgerServer() as server:
        server.default = Answer("중복을 없애는 과정", input_tokens=40, output_tokens=9)
        yield Project(tmp_path, server)


def test_a_marked_test_is_recorded_once_and_played_from_then_on(project: Project) -> None:
    project.write(LESSON)
    said = project.test()
    assert "1 error" in said
    assert "found none: make it with  pytest --examsgraph-record=once" in said

    assert "1 passed" in project.test("--examsgraph-record=once", url=project.server.url)
    assert {fact.kind for fact in Recording(project.recording).facts()} == {"embedding_call", "llm_call"}
    asked = len(project.server.requests)
    before = project.recording.read_bytes()
    assert "1 passed" in project.test()
    assert "1 passed" in project.test("--examsgraph-record=once", url=project.server.url)
    assert len(project.server.requests) == asked, "it was there, so it was played"
    assert project.recording.read_bytes() == before

    assert "1 passed" in project.test("--examsgraph-record=rewrite", url=project.server.url)
    assert len(project.server.requests) == 2 * asked
    assert not (project.path / ".examsgraph").exists()


def test_another_prompt_fails_by_what_is_different_even_if_the_application_goes_on(project: Project) -> None:
    project.write(LESSON)
    project.test("--examsgraph-record=once", url=project.server.url)
    project.write(LESSON.replace(".invoke(question)", '.invoke(question + " 짧게.")'))
    said = project.test()
    assert "messages[0].content differs: recorded '정규화란?', asked '정규화란? 짧게.'" in said
    caught = LESSON.replace("    return ChatOpenAI", "    try:\n            return ChatOpenAI").replace(
        "(question).content",
        '(question + "!").content\n        except Exception:\n            return "중복을 없애는 과정"',
    )
    project.write(caught)
    said = project.test()
    assert "1 passed, 1 error" in said
    assert "1 not in the recording" in said


def test_no_socket_connects_while_it_plays(project: Project) -> None:
    project.write(LESSON)
    project.test("--examsgraph-record=once", url=project.server.url)
    project.write(
        """
        import socket
        import pytest

        @pytest.mark.examsgraph_recording("recordings/lesson.egrec.jsonl")
        def test_network():
            socket.create_connection(("127.0.0.1", 80))

        def test_unmarked():
            left, right = socket.socketpair()
            left.close(), right.close()
            with pytest.raises(OSError):
                socket.create_connection(("127.0.0.1", 9))
        """,
    )
    said = project.test()
    assert "expected no network while a recording is played, but '127.0.0.1' was to be reached" in said
    assert "1 failed, 1 passed" in said


def test_what_costs_too_much_is_told_call_by_call(project: Project) -> None:
    project.write(LESSON)
    project.test("--examsgraph-record=once", url=project.server.url)
    project.write(
        LESSON.replace("max_usd=0.01, max_tokens=1000, max_calls=2", "max_usd=0.0001, max_tokens=10")
    )
    said = project.test()
    assert (
        "expected to cost at most $0.0001, cost $0.000194; expected to take at most 10 tokens, took 89"
        in said
    )
    assert "gpt-4o-2024-08-06: 49 tokens, $0.00019" in said
    assert "text-embedding-ada-002: 40 tokens, $0.000004" in said


def test_a_test_that_fails_records_nothing(project: Project) -> None:
    project.write(LESSON.replace('== "중복을 없애는 과정"', '== "다른 답"'))
    assert "1 failed" in project.test("--examsgraph-record=once", url=project.server.url)
    assert not project.recording.exists()


def test_secrets_are_taken_out_of_what_was_said_and_refused_elsewhere(project: Project) -> None:
    project.write(LESSON.replace('tutor("정규화란?")', 'tutor("제 메일은 kim@example.com입니다")'))
    assert "1 passed" in project.test("--examsgraph-record=once", url=project.server.url)
    assert b"kim@example.com" not in project.recording.read_bytes()
    assert "1 passed" in project.test(), "and it is found without it"

    project.recording.unlink()
    project.write(
        LESSON.replace(
            '    assert tutor("정규화란?") ==',
            '    with tutoring(user_id="kim@example.com"):\n            tutor("정규화란?")\n'
            '        assert "중복을 없애는 과정" ==',
        ),
    )
    said = project.test("--examsgraph-record=once", url=project.server.url)
    assert "as secrets would stay in ids or labels" in said
    assert "user_id" in said
    assert "kim@example.com" not in said.split("secrets would stay")[1].split("short test summary")[0]
    assert not project.recording.exists()
