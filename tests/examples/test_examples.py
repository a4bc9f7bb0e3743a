"""The examples run as they stand, in a process and a folder of their own that reach this machine alone."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.events import Exploration, Fact, Feedback, LLMCall, Retrieval
from examsgraph_callbacks.journal import Journal
from tests.servers.neo4j_server import Neo4jServer

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
GUARD = Path(__file__).with_name("loopback_only")


def environment(**more: str) -> dict[str, str]:
    """A user's, without a key or a graph, and with the guard before all else."""
    ours = ("OPENAI", "NEO4J", "MLFLOW", "EXAMSGRAPH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(GUARD), str(ROOT)]),
        "PYTHONIOENCODING": "utf-8",
        "EXAMSGRAPH_SHIP": "off",
        **more,
    }


def neo4j(server: Neo4jServer) -> dict[str, str]:
    return {
        "NEO4J_URI": server.uri,
        "NEO4J_USERNAME": server.username,
        "NEO4J_PASSWORD": server.password,
    }


def run(folder: Path, *command: str, fails: bool = False, more: Mapping[str, str] | None = None) -> str:
    """What `python …` prints in that folder."""
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(**(more or {})),
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    assert (ended.returncode != 0) is fails, ended.stdout + ended.stderr
    assert fails or not ended.stderr, "a warning is no way to greet a user"
    return ended.stderr if fails else ended.stdout


def offline(folder: Path, example: str, more: Mapping[str, str] | None = None) -> str:
    return run(folder, str(EXAMPLES / "offline.py"), example, more=more)


def listed(example: str) -> list[str]:
    """The lines that the list of examples shows of its output, as far as it shows them."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    shown = text.partition(f"({example})\n\n```\n")[2].partition("```")[0]
    assert shown, f"the list shows nothing of {example}"
    return [line.removesuffix(" …") for line in shown.splitlines() if line]


def recorded(folder: Path) -> list[Fact]:
    return [*Journal(folder / ".examsgraph" / "journal").read()]


def test_the_guard_lets_nobody_out(tmp_path: Path) -> None:
    for way in ("socket.create_connection(('192.0.2.1', 80), 1)", "socket.getaddrinfo('openai.com', 443)"):
        told = run(tmp_path, "-c", f"import socket; {way}", fails=True)
        assert "an example went for" in told


def test_a_langchain_tutor_shows_its_answer_its_path_and_what_it_cost(tmp_path: Path) -> None:
    printed = offline(tmp_path, "langchain_tutor.py")
    assert [line for line in listed("langchain_tutor.py") if line not in printed] == []
    assert "in memory (set NEO4J_URI for Neo4j)" in printed
    assert "정규화의 목적은 데이터 중복을 제거하고" in printed
    assert "→ SQL 문법 (0.72) ⚠️ strange path found!" in printed
    # 187 and 93 tokens at $0.15 and $0.60 a million
    assert "gpt-4o-mini-2024-07-18: 280 tokens, $0.00008385" in printed
    (call,) = (fact for fact in recorded(tmp_path) if isinstance(fact, LLMCall))
    assert (call.user_id, call.question_id) == ("user_001", "q_001")
    assert call.request is not None
    assert "제1정규형" in str(call.request.messages[0].content)


def test_the_same_tutor_walks_a_real_neo4j_where_one_is_named(
    tmp_path: Path, neo4j_server: Neo4jServer
) -> None:
    printed = offline(tmp_path, "langchain_tutor.py", neo4j(neo4j_server))
    assert f"in Neo4j at {neo4j_server.uri}" in printed
    assert "→ SQL 문법 (0.72) ⚠️ strange path found!" in printed
    (exploration,) = (fact for fact in recorded(tmp_path) if isinstance(fact, Exploration))
    assert exploration.server is not None


def test_a_langgraph_agent_shows_each_call_with_its_node(tmp_path: Path) -> None:
    printed = offline(tmp_path, "langgraph_agent.py")
    assert [line for line in listed("langgraph_agent.py") if line not in printed] == []
    assert "정답은 제2정규형입니다." in printed
    lines = printed.splitlines()
    # 118 and 19 tokens, then 402 and 84, at $2.50 and $10 a million
    assert "model: gpt-4o-2024-08-06, 137 tokens, $0.000485" in lines
    assert "model: gpt-4o-2024-08-06, 486 tokens, $0.001845" in lines
    assert any(re.fullmatch(r"look_up_concepts: \d+ hops looked at, \d+ followed", line) for line in lines)


def test_a_llama_index_query_engine_shows_its_sources_its_path_and_what_it_cost(tmp_path: Path) -> None:
    printed = offline(tmp_path, "llama_index_engine.py")
    assert [line for line in listed("llama_index_engine.py") if line not in printed] == []
    assert "교착상태입니다." in printed
    assert "  0.88 교착상태" in printed
    assert "교착상태 → 로킹 (0.83)" in printed
    assert "gpt-4o-mini-2024-07-18: 416 tokens, $0.0000948" in printed


def test_a_neo4j_graphrag_retriever_is_heard_under_the_tap(tmp_path: Path, neo4j_server: Neo4jServer) -> None:
    if neo4j_server.product != "neo4j":
        pytest.skip(f"neo4j-graphrag wants Neo4j, got {neo4j_server.product}")
    printed = run(tmp_path, str(EXAMPLES / "neo4j_graphrag_tap.py"), more=neo4j(neo4j_server))
    assert "5 items for '정규화의 목적으로 가장 알맞은 것은?'" in printed
    assert re.search(r"Neo4j/\S+ heard on the driver, \d+ ms, \d+ hops:", printed)
    assert re.search(r"정규화 ─\S+→ ", printed)
    facts = recorded(tmp_path)
    (exploration,) = (fact for fact in facts if isinstance(fact, Exploration))
    assert exploration.source == "tap"
    assert any(isinstance(fact, Retrieval) for fact in facts)


def test_without_a_neo4j_the_tap_says_what_to_set(tmp_path: Path) -> None:
    assert "set NEO4J_URI" in run(tmp_path, str(EXAMPLES / "neo4j_graphrag_tap.py"), fails=True)


def test_a_fastapi_application_explains_is_told_and_answers_what_was_missed(tmp_path: Path) -> None:
    application = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "offline.py"), "fastapi_app.py"],
        cwd=tmp_path,
        env=environment(PORT="0"),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
    )
    try:
        assert application.stderr is not None
        address = next(
            found[0] for line in application.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
        )
        explained = called(f"{address}/explain?session_id=s_1&question_id=q_001")
        assert "데이터 중복을 제거" in explained["explanation"]
        feedback = {"session_id": "s_1", "question_id": "q_001", "feedback_type": "thumbs_down"}
        assert called(f"{address}/v1/mlflow/log-user-feedback", feedback)["data"]["event_id"]
        missed = called(f"{address}/v1/mlflow/analytics/top-failed-concepts")
        assert missed["data"] == [{"concept": "데이터베이스 정규화", "failure_count": 1}]
    finally:
        application.terminate()
        application.communicate(timeout=60)
    (feedback_fact,) = (fact for fact in recorded(tmp_path) if isinstance(fact, Feedback))
    assert feedback_fact.feedback_type == "thumbs_down"


def called(url: str, body: Mapping[str, str] | None = None) -> Any:
    """What it answers, to a body or to none."""
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, sent, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_the_recorded_lesson_is_played_without_key_or_network(tmp_path: Path) -> None:
    printed = run(
        tmp_path,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull),
        str(EXAMPLES / "test_recorded_lesson.py"),
        # by name, and not twice where the package is installed
        more={
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "examsgraph_callbacks.pytest_plugin",
        },
    )
    assert "1 passed" in printed


def test_each_example_says_what_it_shows_and_is_listed_with_its_output() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert re.match(r'r?"""[A-Z].+[^"]$', first), path
        assert f"({path.name})" in text, path
