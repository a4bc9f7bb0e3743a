"""Feedback becomes a run of User_Feedback, and an assessment on its turn's trace, however late that comes."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from examsgraph_callbacks.deliver import ShipReport, ship
from examsgraph_callbacks.deliver.shipper import PATIENCE
from examsgraph_callbacks.events import Fact, Feedback
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import BEGAN, EXPLANATION, feedback, hex_id, llm_call, small_turn, turn_root
from tests.deliver.readback import artifacts_of, assessments_of, found, run_of, trace_of

SHORTLY_AFTER = BEGAN + timedelta(minutes=5)
LATER = SHORTLY_AFTER + timedelta(minutes=2)
FEEDBACK = "User_Feedback"


def shipped(
    journal: Journal, tracking_uri: str, facts: Iterable[Fact], now: datetime = SHORTLY_AFTER
) -> ShipReport:
    for fact in facts:
        journal.write(fact)
    return ship(journal, tracking_uri, now=now)


def the_run(tracking_uri: str, given: Feedback) -> Run:
    return run_of(tracking_uri, FEEDBACK, given.event_id)


def said_of(tracking_uri: str, turn: str) -> dict[str, object]:
    return assessments_of(trace_of(tracking_uri, turn))


@pytest.fixture
def turn(request: pytest.FixtureRequest, tracking_uri: str) -> str:
    return f"{request.node.name} {tracking_uri}"


def test_the_documents_feedback_is_a_run_with_its_figures_tags_and_texts(
    journal: Journal, tracking_uri: str, turn: str
) -> None:
    given = feedback(turn)
    report = shipped(journal, tracking_uri, [*small_turn(turn), given])
    assert report.view_runs[FEEDBACK] == 1

    run = the_run(tracking_uri, given)
    assert run.data.metrics == {"satisfaction": 0, "understanding_score": 2}
    tags = {
        "feedback_type": "thumbs_down",
        "concept": "정규화",
        "question_id": "q_001",
        "user_id": "user_001",
        "session_id": "session_123",
        "status": "review_needed",
        "trace_id": f"tr-{hex_id(turn)}",
    }
    assert tags.items() <= run.data.tags.items()
    assert (run.info.run_name, run.info.status) == ("정규화", "FINISHED")
    assert (run.info.start_time, run.info.end_time) == (1_768_473_060_000, 1_768_473_060_000)
    assert artifacts_of(tracking_uri, run) == {
        "ai_explanation.txt": EXPLANATION,
        "followup_text.txt": "무슨 말인지 더 쉽게 설명해줘",
    }


def test_the_same_stands_on_the_turns_trace_as_a_persons_assessments(
    journal: Journal, tracking_uri: str, turn: str
) -> None:
    shipped(journal, tracking_uri, [*small_turn(turn), feedback(turn)])
    trace = trace_of(tracking_uri, turn)
    assert assessments_of(trace) == {"satisfaction": 0, "understanding_score": 2}
    for assessment in trace.info.assessments:
        assert (assessment.source.source_type, assessment.source.source_id) == ("HUMAN", "user_001")
        assert assessment.rationale == "무슨 말인지 더 쉽게 설명해줘"
        assert assessment.create_time_ms == 1_768_473_060_000


@pytest.mark.parametrize(
    ("said", "satisfaction", "status"),
    [
        ({"feedback_type": "thumbs_up", "understanding_score": 5}, 1, "ok"),
        ({"feedback_type": "thumbs_up", "understanding_score": None}, 1, "ok"),
        ({"feedback_type": "thumbs_up", "understanding_score": 2}, 1, "review_needed"),
        ({"feedback_type": "thumbs_down", "understanding_score": None}, 0, "review_needed"),
        ({"feedback_type": "followup_question", "understanding_score": 3}, None, "ok"),
        ({"feedback_type": "followup_question", "understanding_score": 1}, None, "review_needed"),
    ],
    ids=str,
)
def test_a_thumb_down_or_a_score_of_two_or_less_is_to_be_reviewed_and_what_is_not_said_is_not_0(
    said: dict[str, Any], satisfaction: int | None, status: str, journal: Journal, sqlite_uri: str
) -> None:
    given = feedback(trace_id=None, question_id=None, **said)
    shipped(journal, sqlite_uri, [given])
    run = the_run(sqlite_uri, given)
    assert run.data.tags["status"] == status
    assert run.data.metrics.get("satisfaction") == satisfaction
    assert run.data.metrics.get("understanding_score") == said["understanding_score"]


def test_a_question_without_a_score_is_on_the_trace_for_what_it_is(journal: Journal, sqlite_uri: str) -> None:
    given = feedback(feedback_type="followup_question", understanding_score=None)
    shipped(journal, sqlite_uri, [*small_turn("turn"), given])
    assert said_of(sqlite_uri, "turn") == {"feedback_type": "followup_question"}


@pytest.mark.parametrize(
    ("named", "concept"),
    [
        ({"concept": "BCNF", "wrong_concept": "조인"}, "BCNF"),
        ({"wrong_concept": "조인"}, "조인"),
        ({}, "정규화"),
    ],
    ids=str,
)
def test_its_own_concept_goes_before_its_turns(
    named: dict[str, Any], concept: str, journal: Journal, sqlite_uri: str
) -> None:
    given = feedback(**named)
    shipped(journal, sqlite_uri, [*small_turn("turn"), given])
    assert the_run(sqlite_uri, given).data.tags["concept"] == concept


def test_feedback_that_comes_days_after_its_turn_finds_it(
    journal: Journal, tracking_uri: str, turn: str
) -> None:
    shipped(journal, tracking_uri, small_turn(turn))
    given = feedback(turn, after_seconds=3 * 86_400)
    shipped(journal, tracking_uri, [given], now=given.started_at + timedelta(minutes=1))

    assert the_run(tracking_uri, given).data.tags["concept"] == "정규화"
    assert said_of(tracking_uri, turn) == {"satisfaction": 0, "understanding_score": 2}


def test_feedback_that_comes_before_its_turn_is_a_run_at_once_and_an_assessment_later(
    journal: Journal, tracking_uri: str, turn: str
) -> None:
    given = feedback(turn)
    assert shipped(journal, tracking_uri, [given]).view_runs[FEEDBACK] == 1
    run = the_run(tracking_uri, given)
    assert (run.info.status, run.data.tags["status"]) == ("FINISHED", "review_needed")
    assert not {"concept", "trace_id"} & run.data.tags.keys()

    report = shipped(journal, tracking_uri, small_turn(turn))

    assert (report.traces, report.view_runs[FEEDBACK]) == (1, 0)
    again = the_run(tracking_uri, given)
    assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")
    assert (again.data.tags["concept"], again.data.tags["trace_id"]) == ("정규화", f"tr-{hex_id(turn)}")
    assert said_of(tracking_uri, turn) == {"satisfaction": 0, "understanding_score": 2}


def test_a_turn_that_another_machine_ships_is_found_too(
    journal: Journal, tracking_uri: str, turn: str, tmp_path: Path
) -> None:
    shipped(journal, tracking_uri, [feedback(turn)])
    shipped(Journal(tmp_path / "elsewhere"), tracking_uri, small_turn(turn))

    assert ship(journal, tracking_uri, now=SHORTLY_AFTER).facts_read == 0
    assert said_of(tracking_uri, turn) == {}, "MLflow is asked once a minute"

    ship(journal, tracking_uri, now=LATER)
    assert said_of(tracking_uri, turn) == {"satisfaction": 0, "understanding_score": 2}


def test_a_turn_is_waited_for_until_the_feedback_is_old(journal: Journal, sqlite_uri: str) -> None:
    given = feedback("turn")
    shipped(journal, sqlite_uri, [given], now=given.started_at + PATIENCE + timedelta(seconds=1))
    shipped(journal, sqlite_uri, small_turn("turn"), now=given.started_at + PATIENCE + timedelta(hours=1))
    assert said_of(sqlite_uri, "turn") == {}
    assert the_run(sqlite_uri, given).data.tags["status"] == "review_needed"


def asked(question: str, turn: str, *, after_seconds: float, **fields: object) -> list[Fact]:
    return [turn_root(turn, after_seconds=after_seconds, question_id=question, **fields)]


def test_without_the_turns_id_it_is_the_latest_on_the_question_in_the_session_before_the_feedback(
    journal: Journal, tracking_uri: str, turn: str
) -> None:
    question = f"q {turn}"
    given = feedback(turn, trace_id=None, question_id=question, after_seconds=60)
    shipped(
        journal,
        tracking_uri,
        [
            *asked(question, f"first {turn}", after_seconds=0),
            *asked(question, f"latest {turn}", after_seconds=30),
            *asked(question, f"too late {turn}", after_seconds=90),
            *asked(question, f"of another {turn}", after_seconds=40, session_id="session_124"),
            *asked(f"another {turn}", f"on another {turn}", after_seconds=50),
            given,
        ],
    )
    assert the_run(tracking_uri, given).data.tags["trace_id"] == f"tr-{hex_id(f'latest {turn}')}"
    assert said_of(tracking_uri, f"latest {turn}") == {"satisfaction": 0, "understanding_score": 2}
    assert said_of(tracking_uri, f"first {turn}") == {}


def test_without_a_session_it_is_the_users_latest(journal: Journal, sqlite_uri: str) -> None:
    given = feedback(trace_id=None, session_id=None)
    shipped(
        journal,
        sqlite_uri,
        [
            *asked("q_001", "mine", after_seconds=0),
            *asked("q_001", "anothers", after_seconds=30, user_id="user_002"),
            given,
        ],
    )
    assert the_run(sqlite_uri, given).data.tags["trace_id"] == f"tr-{hex_id('mine')}"


def test_the_latest_turn_is_waited_for_while_it_has_no_end(journal: Journal, sqlite_uri: str) -> None:
    given = feedback(trace_id=None, after_seconds=60)
    late_end = turn_root("latest", after_seconds=30)
    call = llm_call("latest", after_seconds=31)
    shipped(journal, sqlite_uri, [*asked("q_001", "first", after_seconds=0), call, given])
    assert "trace_id" not in the_run(sqlite_uri, given).data.tags

    shipped(journal, sqlite_uri, [late_end])
    assert the_run(sqlite_uri, given).data.tags["trace_id"] == f"tr-{hex_id('latest')}"


def test_what_a_run_was_said_to_be_about_it_stays_about(
    journal: Journal, sqlite_uri: str, tmp_path: Path
) -> None:
    given = feedback(trace_id=None)
    facts = [*asked("q_001", "first", after_seconds=0), given]
    shipped(journal, sqlite_uri, facts)
    again = Journal(tmp_path / "again")
    shipped(again, sqlite_uri, [*asked("q_001", "a later one", after_seconds=30), *facts])

    assert the_run(sqlite_uri, given).data.tags["trace_id"] == f"tr-{hex_id('first')}"
    assert said_of(sqlite_uri, "a later one") == {}


@pytest.mark.parametrize("question", ["it's", 'the "first"', "둘'\"다", "역슬래시\\", "따옴표 `"])
def test_any_question_id_can_be_asked_for_as_far_as_mlflows_filters_go(
    question: str, journal: Journal, sqlite_uri: str
) -> None:
    given = feedback(trace_id=None, question_id=question)
    shipped(journal, sqlite_uri, [*asked(question, "turn", after_seconds=0), given])
    # MLflow's filters cannot say a value with both kinds of quotes, nor one that ends in a backslash
    can_be_said = question not in {"둘'\"다", "역슬래시\\"}
    assert ("trace_id" in the_run(sqlite_uri, given).data.tags) == can_be_said


def test_delivering_again_changes_nothing(
    journal: Journal, tracking_uri: str, turn: str, tmp_path: Path
) -> None:
    facts = [*small_turn(turn), feedback(turn), feedback(turn, after_seconds=61, trace_id=None)]
    shipped(journal, tracking_uri, facts)

    def held() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        runs = found(tracking_uri, FEEDBACK, f"tags.trace_id = 'tr-{hex_id(turn)}'")
        return [run.to_dictionary() for run in runs], trace_of(tracking_uri, turn).to_dict()

    before = held()
    assert len(before[0]) >= 1
    report = shipped(Journal(tmp_path / "again"), tracking_uri, facts)

    assert report.view_runs[FEEDBACK] == 0
    assert held() == before


def test_a_run_that_was_deleted_stays_deleted(journal: Journal, sqlite_uri: str, tmp_path: Path) -> None:
    given = feedback(trace_id=None, question_id=None)
    shipped(journal, sqlite_uri, [given])
    MlflowClient(tracking_uri=sqlite_uri).delete_run(the_run(sqlite_uri, given).info.run_id)
    assert shipped(Journal(tmp_path / "again"), sqlite_uri, [given]).view_runs[FEEDBACK] == 0


def test_feedback_at_a_moment_that_cannot_be_is_set_aside_and_the_rest_arrives(
    journal: Journal, sqlite_uri: str
) -> None:
    odd = feedback("odd", started_at=datetime(1, 1, 1, tzinfo=UTC))
    report = shipped(journal, sqlite_uri, [odd, feedback("turn")])
    assert (report.refused, report.set_aside, report.view_runs[FEEDBACK]) == (1, 1, 1)
