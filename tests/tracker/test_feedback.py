"""A learner's feedback becomes a fact at once, or an error that names the field."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from examsgraph_callbacks.capture import Clock, pseudonym, tutoring
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Feedback
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.tracker import Tracker

AT = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)
TRACE = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    clock = Clock(wall_ns=lambda: int(AT.timestamp()) * 10**9, new_id=lambda: "f" * 32)
    return Tracker(tmp_path / "journal", clock)


def recorded(tracker: Tracker) -> list[Feedback]:
    return [fact for fact in tracker.journal.read() if isinstance(fact, Feedback)]


def test_the_request_of_the_document_over_http_is_recorded_whole(tracker: Tracker) -> None:
    event_id = tracker.log_user_feedback(
        session_id="session_123",
        question_id="q_003",
        ai_explanation="정규화의 목적은 데이터 중복을 제거하고...",
        feedback_type="thumbs_down",
        followup_text="무슨 말인지 더 쉽게 설명해줘",
        understanding_score=2,
    )

    assert recorded(tracker) == [
        Feedback(
            event_id=event_id,
            started_at=AT,
            session_id="session_123",
            question_id="q_003",
            ai_explanation="정규화의 목적은 데이터 중복을 제거하고...",
            feedback_type="thumbs_down",
            followup_text="무슨 말인지 더 쉽게 설명해줘",
            understanding_score=2,
        ),
    ]


def test_the_call_of_the_document_from_python_says_user_feedback(tracker: Tracker) -> None:
    tracker.log_user_feedback(
        session_id="session_123",
        user_id="user_001",
        question_id="q_003",
        ai_explanation="설명",
        user_feedback="followup_question",
        understanding_score=3,
    )

    (feedback,) = recorded(tracker)
    assert feedback.feedback_type == "followup_question"
    assert feedback.user_id == "user_001"


def test_the_surrounding_block_fills_what_is_not_passed(tracker: Tracker) -> None:
    with tutoring(user_id="user_001", session_id="s1", question_id="q_001", wrong_concept="정규화"):
        tracker.log_user_feedback(feedback_type="thumbs_up", question_id="q_002")

    (feedback,) = recorded(tracker)
    assert (feedback.user_id, feedback.session_id, feedback.wrong_concept) == ("user_001", "s1", "정규화")
    assert feedback.question_id == "q_002"


@pytest.mark.parametrize("trace_id", [TRACE, str(UUID(TRACE)), UUID(TRACE)])
def test_the_turn_may_be_named_as_uuid_or_as_hex(tracker: Tracker, trace_id: str | UUID) -> None:
    tracker.log_user_feedback(feedback_type="thumbs_up", trace_id=trace_id)

    assert recorded(tracker)[0].trace_id == TRACE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected feedback_type to be one of thumbs_up, .*, got nothing"),
        ({"feedback_type": "좋아요"}, "feedback_type to be one of thumbs_up, thumbs_down, .* got '좋아요'"),
        ({"user_feedback": "like"}, "expected user_feedback to be one of .* got 'like'"),
        ({"feedback_type": "thumbs_up", "user_feedback": "thumbs_down"}, "two names of one field"),
        ({"understanding_score": 6}, "understanding_score to be a whole number from 1 .* to 5 .* got 6"),
        ({"understanding_score": 0}, "understanding_score .* got 0"),
        ({"understanding_score": True}, "understanding_score .* got True"),
        ({"understanding_score": "3"}, "understanding_score .* got '3'"),
        ({"user_id": 7}, "expected user_id to be text of 1 to 256 characters, got 7"),
        ({"concept": ["정규화"]}, "expected concept to be text .*, got list"),
        ({"session_id": ""}, "expected session_id to be text of 1 to 256 characters, got ''"),
        ({"trace_id": "turn-1"}, "trace_id to be a UUID or 32 hexadecimal digits .* got 'turn-1'"),
    ],
)
def test_wrong_input_names_the_field_and_records_nothing(
    tracker: Tracker,
    arguments: dict[str, object],
    message: str,
) -> None:
    if arguments and not arguments.keys() & {"feedback_type", "user_feedback"}:
        arguments = {"feedback_type": "thumbs_up", **arguments}

    with pytest.raises(InvalidInputError, match=message):
        tracker.log_user_feedback(**arguments)  # type: ignore[arg-type]

    assert recorded(tracker) == []


def test_a_journal_that_is_open_already_is_shared(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")

    assert Tracker(journal).journal is journal


def test_feedback_is_redacted_and_its_user_pseudonymised_like_every_fact(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_USER_KEY", "sixteen bytes or more")
    tracker = Tracker(tmp_path)
    tracker.log_user_feedback(
        user_id="user_001",
        feedback_type="followup_question",
        followup_text="답은 kim@example.com 으로 보내주세요",
    )
    (feedback,) = tracker.journal.read()
    assert isinstance(feedback, Feedback)
    assert feedback.followup_text == "답은 [EMAIL] 으로 보내주세요"
    assert feedback.user_id == pseudonym("user_001", "sixteen bytes or more")
