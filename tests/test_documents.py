"""README and docs: code blocks run, commands are commands, links lead somewhere, settings are told."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import typer

from examsgraph_callbacks.cli import app
from examsgraph_callbacks.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# what the reader of a document has already
READERS_OWN = """
    import warnings
    from collections.abc import Callable
    import pytest
    from langchain_core.embeddings import DeterministicFakeEmbedding
    from langchain_core.language_models import FakeListChatModel
    from langchain_core.vectorstores import InMemoryVectorStore
    from langchain_openai import ChatOpenAI
    from examsgraph_callbacks.langchain import ExamsGraphCallbackHandler

    warnings.simplefilter("error", SyntaxWarning)
    question, uri, auth = "정규화란?", "bolt://127.0.0.1:9", ("neo4j", "none")
    model = chain = FakeListChatModel(responses=["중복 제거"])
    handler = ExamsGraphCallbackHandler()
    embeddings = DeterministicFakeEmbedding(size=4)
    vector_store = InMemoryVectorStore(embeddings)
"""


def blocks(document: Path, language: str) -> list[str]:
    return [code for said, code in FENCED.findall(document.read_text(encoding="utf-8")) if said == language]


def commands(document: Path) -> list[str]:
    """What stands behind the prompts, with its continuation lines and without its comments."""
    lines = "\n".join(blocks(document, "console")).replace("\\\n", " ").splitlines()
    return [line[2:].split("  #")[0].strip() for line in lines if line.startswith("$ ")]


COMMANDS = [(document.name, command) for document in DOCUMENTS for command in commands(document)]


@pytest.mark.parametrize(
    "document", [one for one in DOCUMENTS if blocks(one, "python")], ids=lambda one: str(one.name)
)
def test_the_code_of_a_document_runs_from_top_to_bottom(document: Path, tmp_path: Path) -> None:
    code = "\n".join([dedent(READERS_OWN), *blocks(document, "python"), "print('to the end')"])
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "none", "EXAMSGRAPH_SHIP": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.endswith("to the end\n"), ended.stderr


@pytest.mark.parametrize(("document", "command"), COMMANDS, ids=lambda one: str(one)[:60])
def test_a_command_of_a_document_is_one(
    document: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("lesson.egrec.jsonl", "app.py", "tutor.py"):
        Path(name).touch()
    for part in command.split("&&"):
        words = [word for word in shlex.split(part) if not re.match(r"[A-Z_]+=", word)]
        if words[0] == "examsgraph":
            parsed_by_examsgraph(words[1:])
        elif words[:2] == ["pip", "install"]:
            only_known_extras(words[2:])
        elif words[0] in {"pytest", "python"}:
            for path in [word for word in words[1:] if "/" in word or word.endswith(".py")]:
                assert (ROOT / path).exists(), path
        else:
            assert words[0] in {"curl", "export", "docker", "mlflow", "cp"}, f"what is {words[0]}?"


def parsed_by_examsgraph(words: list[str]) -> None:
    """Raises click's UsageError for a verb or an option that there is not."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("examsgraph", list(words), resilient_parsing=True)
    while hasattr(command, "resolve_command"):
        _, command, words = command.resolve_command(context, words)
        if not hasattr(command, "resolve_command"):
            command.make_context(command.name, list(words), parent=context)


def only_known_extras(words: list[str]) -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for named in re.findall(r"\[([\w,-]+)\]", " ".join(words)):
        assert set(named.split(",")) <= known.keys(), named


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.name))
def test_links_and_paths_of_a_document_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("http"):
            continue
        path, _, heading = link.partition("#")
        leads_to = (document.parent / path) if path else document
        assert leads_to.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.+)$", leads_to.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w\- ]", "", one).lower().replace(" ", "-") for one in headings}, (
                link
            )
    for path in re.findall(r"`(?:pytest [^`]*?)?((?:tests|docs|examples)/[\w/.-]+)[^`]*`", text):
        assert (ROOT / path).exists(), path


def test_every_setting_is_told_with_its_meaning() -> None:
    told = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        row = f"| `EXAMSGRAPH_{name.upper()}` |"
        assert row in told, f"docs/deploy.md has no row of EXAMSGRAPH_{name.upper()}"
        assert f"| {field.description} |" in told, f"docs/deploy.md says something else of {row}"


def test_the_readme_is_one_that_people_read_to_the_end() -> None:
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") <= 350
