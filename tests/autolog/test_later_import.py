"""A library that is imported after `autolog()` is recorded too, and none is imported for its sake."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from examsgraph_callbacks import Journal
from tests.servers.openai_server import LedgerServer

ROOT = Path(__file__).resolve().parents[2]


def run(code: str, **environment: str) -> str:
    shown = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(code)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_autolog_imports_no_library() -> None:
    shown = run(
        """
        import json, sys
        from examsgraph_callbacks import autolog
        autolog()
        print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
        """,
    )
    assert not {"langchain_core", "llama_index", "openai", "neo4j"} & set(json.loads(shown))


def test_libraries_imported_later_are_recorded_from_their_first_run_on(tmp_path: Path) -> None:
    with LedgerServer() as server:
        run(
            """
            import sys
            from examsgraph_callbacks import autolog
            autolog()

            from langchain_openai import ChatOpenAI, OpenAIEmbeddings
            ChatOpenAI(model="gpt-4o").invoke("?")
            OpenAIEmbeddings(check_embedding_ctx_length=False).embed_query("?")
            """,
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY="not-a-key",
            EXAMSGRAPH_JOURNAL=str(tmp_path),
        )
        assert len(server.ledger) == 2
    assert [fact.kind for fact in Journal(tmp_path).read()] == ["llm_call", "embedding_call"]


def test_disabled_before_the_import_nothing_is_touched(tmp_path: Path) -> None:
    run(
        """
        import sys
        finders = list(sys.meta_path)
        from examsgraph_callbacks import autolog
        autolog()
        autolog(disable=True)
        assert sys.meta_path == finders

        from langchain_core.language_models import FakeListChatModel
        from langchain_core.tracers.context import _configure_hooks
        from openai.resources.embeddings import Embeddings
        FakeListChatModel(responses=["!"]).invoke("?")
        assert len(_configure_hooks) == 1, _configure_hooks
        assert not hasattr(Embeddings.create, "__wrapped__")
        """,
        EXAMSGRAPH_JOURNAL=str(tmp_path / "journal"),
    )
    assert not (tmp_path / "journal").exists()
