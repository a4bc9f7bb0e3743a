"""Killed at any request, before MLflow had it or before its answer came, the next ship makes it all whole."""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.tracing.client import TracingClient

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.events import Fact, Trace
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import BEGAN, comparison, feedback, hex_id, llm_call, turn_root

NOW = BEGAN + timedelta(minutes=5)
REQUESTS = [
    *((MlflowClient, name) for name in ("create_run", "log_batch", "update_run", "set_terminated")),
    *((MlflowClient, name) for name in ("create_prompt", "create_prompt_version")),
    *((TracingClient, name) for name in ("log_spans", "log_assessment")),
    (LocalArtifactRepository, "log_artifacts"),
]


class KilledError(BaseException):
    """The process is killed here: nothing can catch it."""


@contextmanager
def killed_at(request: int, monkeypatch: pytest.MonkeyPatch, *, answered: bool) -> Iterator[list[str]]:
    """Until the block ends, that request to change something is the process's last; yields all made."""
    made: list[str] = []

    def counted(name: str, change: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any, **options: Any) -> Any:
            made.append(name)
            if len(made) == request and not answered:
                raise KilledError
            answer = change(*arguments, **options)
            if len(made) == request:
                raise KilledError
            return answer

        return counting

    with monkeypatch.context() as patch:
        for owner, name in REQUESTS:
            patch.setattr(owner, name, counted(name, getattr(owner, name)))
        yield made


def lesson() -> Iterator[Fact]:
    """Feedback before its turn and after, two calls of one day, and a comparison that names a turn."""
    yield feedback("one")
    yield llm_call("one", "first")
    yield llm_call("one", "second", after_seconds=2)
    yield turn_root("one")
    yield feedback("one", after_seconds=61, trace_id=None, feedback_type="thumbs_up", understanding_score=4)
    yield comparison(
        prompt_variants={"v1_strict": "엄격하게", "v2_friendly": "친절하게"},
        generated_responses={"v1_strict": "틀렸습니다.", "v2_friendly": "아쉽네요!"},
        trace_ids={"v1_strict": hex_id("one"), "v2_friendly": hex_id("two")},
        manual_scores={"v2_friendly": 4.5},
    )


def late() -> Iterator[Fact]:
    """The turn of feedback that was delivered without it."""
    yield llm_call("two", after_seconds=30)
    yield turn_root("two", after_seconds=30)


def everything(database: Path) -> dict[str, Any]:
    """What MLflow holds, but for the ids and times that it makes up: read from its tables, for speed."""
    tables = {
        "runs": "SELECT status, start_time, end_time, lifecycle_stage FROM runs WHERE run_uuid = ?",
        "tags": "SELECT key, value FROM tags WHERE run_uuid = ? AND key != 'mlflow.parentRunId'",
        "params": "SELECT key, value FROM params WHERE run_uuid = ?",
        "points": "SELECT key, value, timestamp, step FROM metrics WHERE run_uuid = ?",
        "figures": "SELECT key, value FROM latest_metrics WHERE run_uuid = ?",
    }
    with closing(sqlite3.connect(database)) as connection:

        def rows(query: str, *values: str) -> list[tuple[Any, ...]]:
            return sorted(connection.execute(query, values).fetchall())

        held: dict[str, Any] = {
            "parents": rows("""
                SELECT child.value, parent.value FROM tags link
                JOIN tags child ON child.run_uuid = link.run_uuid AND child.key = 'examsgraph.event_id'
                JOIN tags parent ON parent.run_uuid = link.value AND parent.key = 'examsgraph.event_id'
                WHERE link.key = 'mlflow.parentRunId'
            """),
            "assessments": rows("SELECT assessment_id, trace_id, name, value, source_id FROM assessments"),
            "spans": rows("SELECT trace_id, span_id, parent_span_id, name, total_cost FROM spans"),
            "prompts": rows("SELECT name, key, value FROM registered_model_tags"),
            "versions": rows("SELECT name, version, key, value FROM model_version_tags"),
        }
        for run_id, key in rows("SELECT run_uuid, value FROM tags WHERE key = 'examsgraph.event_id'"):
            assert key not in held, "it is there twice"
            held[key] = {name: rows(query, run_id) for name, query in tables.items()}
            held[key]["texts"] = sorted(
                (path.name, path.read_text("utf-8"))
                for path in database.parent.glob(f"mlflow-artifacts/*/{run_id}/artifacts/*.*")
            )
        assert len(rows("SELECT run_uuid FROM runs")) == len(held) - 5
    return held


def shipped(journal: Journal, tracking_uri: str, now: datetime = NOW) -> None:
    ship(journal, tracking_uri, now=now)


@pytest.fixture(scope="module")
def whole(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What MLflow holds where nothing goes wrong."""
    folder = tmp_path_factory.mktemp("whole")
    uri = f"sqlite:///{shutil.copy(empty_database, folder / 'mlflow.db')}"
    journal = Journal(folder / "journal")
    write(journal, [feedback("two", question_id="q_002"), *lesson()])
    shipped(journal, uri)
    write(journal, late())
    shipped(journal, uri)
    return everything(folder / "mlflow.db")


def write(journal: Journal, facts: Iterable[Fact]) -> None:
    for fact in facts:
        journal.write(fact)


def test_nothing_is_missing_where_nothing_goes_wrong(whole: dict[str, Any]) -> None:
    assert len(whole) == 5 + (3 + 1 + 3)
    assert len(whole["assessments"]) == 6
    assert len(whole["spans"]) == 3 + 2
    assert len(whole["parents"]) == 2
    assert {(name, version) for name, version, *_ in whole["versions"]} == {
        ("v1_strict", 1),
        ("v2_friendly", 1),
    }


@pytest.mark.parametrize(
    "requests",
    [pytest.param("some", id="some"), pytest.param("every", id="every", marks=pytest.mark.soak)],
)
@pytest.mark.parametrize("answered", [False, True], ids=["before it arrived", "before its answer came"])
def test_killed_at_any_request_the_next_ship_makes_it_whole(
    *,
    answered: bool,
    requests: str,
    whole: dict[str, Any],
    empty_database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # some are others from where the answer came on; every one takes half a minute
    for request in count(1) if requests == "every" else count(2 + 2 * answered, 4):
        folder = tmp_path / str(request)
        folder.mkdir()
        uri = f"sqlite:///{shutil.copy(empty_database, folder / 'mlflow.db')}"
        journal = Journal(folder / "journal")
        write(journal, [feedback("two", question_id="q_002"), *lesson()])
        with killed_at(request, monkeypatch, answered=answered) as made:
            finished = False
            with suppress(KilledError):
                shipped(journal, uri)
                write(journal, late())
                shipped(journal, uri)
                finished = True
        if finished:
            break
        if not any(isinstance(fact, Trace) and fact.trace_id == hex_id("two") for fact in journal.read()):
            shipped(journal, uri)
            write(journal, late())
        # a turn that arrived just before is asked for within a minute
        shipped(journal, uri, NOW + timedelta(minutes=2))
        journal.close()
        assert everything(folder / "mlflow.db") == whole, f"killed at request {request}, {made[-1]}"
    assert request > 40, "there are that many requests"
