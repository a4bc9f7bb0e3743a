"""That a concept has a resource becomes a fact at once, or an error that names the field."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.capture import Clock
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import ConceptResource
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.tracker import Tracker

AT = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    clock = Clock(wall_ns=lambda: int(AT.timestamp()) * 10**9, new_id=lambda: "f" * 32)
    return Tracker(tmp_path / "journal", clock)


def test_a_resource_is_recorded_with_its_time(tracker: Tracker) -> None:
    event_id = tracker.log_concept_resource(
        concept="정규화", kind="video", url="https://youtu.be/1", title="정규화 10분"
    )

    assert [*tracker.journal.read()] == [
        ConceptResource(
            event_id="f" * 32,
            started_at=AT,
            concept="정규화",
            resource_kind="video",
            url="https://youtu.be/1",
            title="정규화 10분",
        ),
    ]
    assert event_id == "f" * 32


def test_it_stays_whole_where_no_content_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMSGRAPH_CAPTURE_CONTENT", "false")
    Tracker(tmp_path / "journal").log_concept_resource(concept="정규화", kind="image", url="https://a.kr/1")

    (fact,) = Journal(tmp_path / "journal").read()
    assert isinstance(fact, ConceptResource)
    assert (fact.concept, fact.url, fact.title) == ("정규화", "https://a.kr/1", None)


@pytest.mark.parametrize(
    ("given", "told"),
    [({"kind": "song"}, "expected kind to be one of explanation, video, image, got 'song'"),
     ({"concept": 7}, "expected concept to be text of 1 to 256 characters, got 7")],
)  # fmt: skip
def test_a_value_of_another_kind_is_named_and_nothing_is_recorded(
    tracker: Tracker, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        tracker.log_concept_resource(**{"concept": "정규화", "kind": "video", "url": "https://a.kr", **given})
    assert [*tracker.journal.read()] == []
