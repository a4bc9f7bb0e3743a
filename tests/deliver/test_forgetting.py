"""One learner is erased from MLflow and the journal, and nobody else; nothing comes back later."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from examsgraph_callbacks.console import Screen, export_learner, forget_learner
from examsgraph_callbacks.deliver import forget_in_mlflow, ship
from examsgraph_callbacks.errors import DeliveryError, InvalidInputError
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.learner import find_learner
from tests.deliver.factories import BEGAN, comparison, exploration, feedback, hex_id, llm_call, small_turn
from tests.deliver.readback import (
    artifacts_of,
    assessments_of,
    experiment_id,
    found,
    run_of,
    trace_of,
    traces_in,
)

SHORTLY_AFTER = BEGAN + timedelta(minutes=5)
EXPERIMENTS = ("GraphRAG_Path_Tracing", "User_Feedback", "Prompt_Experimentation")


@pytest.fixture
def name(request: pytest.FixtureRequest, tracking_uri: str) -> str:
    """Of a learner of this test's own: the server is shared."""
    return f"{request.node.name} {tracking_uri}"


def taught(name: str, **about: Any) -> list[Fact]:
    """A turn with an exploration, feedback and a comparison of a learner's."""
    facts: list[Fact] = [
        exploration(name),
        *small_turn(name),
        feedback(name),
        comparison(f"comparison {name}"),
    ]
    return [fact.model_copy(update={"user_id": name, "session_id": name, **about}) for fact in facts]


def shipped(journal: Journal, tracking_uri: str, *facts: list[Fact]) -> None:
    for some in facts:
        for fact in some:
            journal.write(fact)
    ship(journal, tracking_uri, now=SHORTLY_AFTER)


def runs_with(tracking_uri: str, tag: str, value: str) -> list[str]:
    """Runs in any stage: experiment and stage."""
    client = MlflowClient(tracking_uri=tracking_uri)
    return [
        f"{experiment} {run.info.lifecycle_stage}"
        for experiment in EXPERIMENTS
        for run in client.search_runs(
            [experiment_id(tracking_uri, experiment)], f"tags.{tag} = '{value}'", ViewType.ALL
        )
    ]


def forgotten(journal: Journal, tracking_uri: str, user_id: str) -> Any:
    learner = find_learner(journal.read, [user_id])
    return forget_in_mlflow(journal, learner, tracking_uri, lambda: forget(journal, learner))


def test_traces_runs_and_assessments_go_and_those_of_others_stay(
    journal: Journal, tracking_uri: str, name: str
) -> None:
    theirs, other = f"{name} theirs", f"{name} other"
    # what they said on a trace that is nobody's
    on_other = feedback(other, after_seconds=70, user_id=theirs, session_id=theirs, understanding_score=1)
    shipped(journal, tracking_uri, taught(theirs), taught(other), [on_other])
    said = [each.name for each in trace_of(tracking_uri, other).info.assessments]
    assert sorted(said) == ["satisfaction"] * 2 + ["understanding_score"] * 2
    run = run_of(tracking_uri, "User_Feedback", on_other.event_id)
    assert artifacts_of(tracking_uri, run) != {}

    report, erased = forgotten(journal, tracking_uri, theirs)

    assert erased == len(taught(theirs)) + 1
    assert (report.traces, report.runs, report.assessments) == (1, 7, 4)
    assert hex_id(theirs) not in traces_in(tracking_uri)
    assert runs_with(tracking_uri, "user_id", theirs) == []
    assert len(runs_with(tracking_uri, "user_id", other)) == 3
    assert assessments_of(trace_of(tracking_uri, other)).keys() == {"satisfaction", "understanding_score"}
    assert report.in_trash == (7 if tracking_uri.startswith("http") else 0)
    if report.in_trash:
        assert MlflowClient(tracking_uri=tracking_uri).list_artifacts(run.info.run_id) == []
    ship(journal, tracking_uri, now=SHORTLY_AFTER + timedelta(days=1))
    assert runs_with(tracking_uri, "user_id", theirs) == []
    assert hex_id(theirs) not in traces_in(tracking_uri)


def test_what_was_not_shipped_yet_never_arrives(journal: Journal, sqlite_uri: str) -> None:
    shipped(journal, sqlite_uri, taught("a"))
    waiting = llm_call("b", user_id="b", session_id="b")
    shipped(journal, sqlite_uri, [waiting], taught("c"))  # its root is still to come

    forgotten(journal, sqlite_uri, "b")
    ship(journal, sqlite_uri, now=SHORTLY_AFTER + timedelta(days=1))

    assert traces_in(sqlite_uri) == sorted([hex_id("a"), hex_id("c")])


def test_facts_that_name_nobody_go_with_their_session(journal: Journal, sqlite_uri: str) -> None:
    unnamed = [fact.model_copy(update={"user_id": None}) for fact in taught("a")]
    shipped(journal, sqlite_uri, unnamed, [llm_call("b", user_id="b", session_id="a", parent_run_id=None)])

    report, _ = forgotten(journal, sqlite_uri, "b")

    assert report.runs == 6
    assert traces_in(sqlite_uri) == []
    assert all(found(sqlite_uri, experiment) == [] for experiment in EXPERIMENTS)


def test_nothing_is_erased_where_mlflow_cannot_be_reached(journal: Journal) -> None:
    for fact in taught("a"):
        journal.write(fact)
    with pytest.raises(DeliveryError):
        forgotten(journal, "http://127.0.0.1:9", "a")
    assert len([*journal.read()]) == len(taught("a"))


def test_no_database_is_made_only_to_forget(journal: Journal, tmp_path: Path) -> None:
    for fact in taught("a"):
        journal.write(fact)
    forgotten(journal, f"sqlite:///{tmp_path / 'none.db'}", "a")
    assert not (tmp_path / "none.db").exists()
    assert [*journal.read()] == []


def test_it_is_asked_for_and_says_what_was_erased(
    journal: Journal, sqlite_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped(journal, sqlite_uri, taught("user_001"))
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    forget_learner(journal, Screen(), "user_001", sqlite_uri, no)
    assert (
        "Erase 1 exploration, 1 feedback, 2 llm calls, 1 prompt comparison, 1 trace of user_001" in asked[0]
    )
    assert len([*journal.read()]) == len(taught("user_001"))
    forget_learner(journal, Screen(), "user_001", sqlite_uri, lambda _: True)
    told = capsys.readouterr().out
    assert "Journal: 6 facts erased" in told
    assert "1 trace, 6 runs and 2 assessments erased." in told


def test_a_learners_data_is_handed_over_whole_and_for_its_owner(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fact in [*taught("user_001"), *taught("user_002")]:
        journal.write(fact)
    output = tmp_path / "user_001.jsonl"
    export_learner(journal, Screen(), "user_001", output)

    lines = output.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(taught("user_001"))
    assert all("user_002" not in line for line in lines)
    assert "정규화" in lines[0]
    assert output.stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidInputError, match=r"expected facts of 'nobody' in .* found none"):
        export_learner(journal, Screen(), "nobody")


def test_under_a_key_they_are_found_by_the_id_that_the_application_knows(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from examsgraph_callbacks import Tracker

    monkeypatch.setenv("EXAMSGRAPH_USER_KEY", "sixteen bytes or more")
    tracker = Tracker(journal)
    for user_id in ("user_001", "user_002"):
        tracker.log_user_feedback(user_id=user_id, session_id=user_id, feedback_type="thumbs_up")
    export_learner(journal, Screen(), "user_001")
    assert len(capsys.readouterr().out.splitlines()) == 1
    forget_learner(journal, Screen(), "user_001", None, lambda _: True, in_mlflow=False)
    (left,) = journal.read()
    assert left.user_id not in {None, "user_001", "user_002"}
