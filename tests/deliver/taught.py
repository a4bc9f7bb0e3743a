"""A lesson, shipped to an MLflow that holds nothing else, for what is asked of all that it holds."""

import shutil
from collections.abc import Iterator
from contextlib import chdir
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.events import Fact, RunFact
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import comparison, exploration, feedback, llm_call, turn_root
from tests.servers.mlflow_server import running_mlflow
from tests.servers.postgresql_server import another_database

__all__ = ["lesson", "taught"]

DAY = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)

MINI: dict[str, Any] = {"requested_model": "gpt-4o-mini", "served_model": "gpt-4o-mini-2024-07-18"}
LARGE: dict[str, Any] = {"requested_model": "gpt-4o", "served_model": "gpt-4o-2024-08-06"}


def turn(name: str, concept: str, question: str, *, days_later: int = 0, **call: Any) -> Iterator[RunFact]:
    about: dict[str, Any] = {"wrong_concept": concept, "question_id": question}
    if days_later:
        about["started_at"] = DAY + timedelta(days=days_later)
    yield exploration(name, query=name, **about)
    yield llm_call(name, **{**LARGE, "task_type": "complex_reasoning", **about, **call})
    yield turn_root(name, **about)


def lesson() -> Iterator[Fact]:
    yield from turn("normal form", "정규화", "q_001")
    yield from turn("normal form again", "정규화", "q_002", task_type="simple_greeting")
    yield from turn("anomaly", "이상현상", "q_003", **MINI, prompt_variant="v1_strict")
    yield from turn("join", "조인 (JOIN)", "q_004", **MINI, task_type="simple_greeting")
    yield from turn("tomorrow", "뷰", "q_005", days_later=1)
    yield feedback("normal form", question_id="q_001")
    yield feedback("normal form again", question_id="q_002", feedback_type="thumbs_up", understanding_score=2)
    yield feedback("anomaly", question_id="q_003", feedback_type="thumbs_up", understanding_score=5)
    yield feedback("join", question_id="q_004", feedback_type="followup_question", understanding_score=3)
    yield comparison()


@pytest.fixture(scope="session", params=["server", "sqlite", "PostgreSQL"])
def taught(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A lesson, shipped to an MLflow that holds nothing else."""
    folder: Path = tmp_path_factory.mktemp("taught")
    journal = Journal(folder / "journal")
    for fact in lesson():
        journal.write(fact)
    if request.param == "PostgreSQL":
        uri = another_database(request.getfixturevalue("postgresql_uri"), folder.name)
        with chdir(folder):  # MLflow keeps a database's artifacts in the working directory
            ship(journal, uri)
        yield uri
        return
    uri = f"sqlite:///{shutil.copy(request.getfixturevalue('empty_database'), folder / 'mlflow.db')}"
    if request.param == "sqlite":
        ship(journal, uri)
        yield uri
        return
    command = ["server", "--backend-store-uri", uri, "--artifacts-destination", str(folder / "artifacts")]
    with running_mlflow([*command, "--workers", "1"], folder) as server:
        ship(journal, server)
        yield server
