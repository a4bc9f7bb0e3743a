"""A journal of three segments, and the same facts in a lake."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.analytics import Analytics
from examsgraph_callbacks.analytics.compaction import Compaction, compact
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.encode import encode_fact
from examsgraph_callbacks.settings import Settings
from tests.analytics.facts import answered, document_path, explored, feedback
from tests.measure.facts import NEW_YEAR, embedding_call

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def facts_of(name: str, *hours: int) -> list[Fact]:
    made: list[Fact] = []
    for hour in hours:
        at: dict[str, Any] = {"started_at": NEW_YEAR + timedelta(hours=hour), "user_id": f"학생 {name}"}
        made += [
            explored(*document_path(), wrong_concept="정규화", event_id=f"{name}{hour}x", **at),
            answered(event_id=f"{name}{hour}a", trace_id=f"{name}{hour}", **at),
            embedding_call(event_id=f"{name}{hour}e", **at),
            feedback(event_id=f"{name}{hour}f", understanding_score=2, **at),
        ]
    return made


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Three segments that overlap in time, over three days."""
    place = tmp_path / "journal"
    place.mkdir()
    for name, hours in (("a", (0, 5, 30, 60)), ("b", (1, 5, 31)), ("c", (2, 70))):
        lines = b"".join(map(encode_fact, facts_of(name, *hours)))
        (place / f"{name}.jsonl").write_bytes(lines)
    return Journal(place)


def append(segment: Path, line: bytes) -> None:
    with segment.open("ab") as file:
        file.write(line)


def compacted(journal: Journal, **how: object) -> Compaction:
    settled = {"is_delivered": lambda _segment, _size: True, "grace": timedelta(0)} | how
    return compact(journal, **settled)  # type: ignore[arg-type]


def every_id(journal: Journal) -> list[str]:
    return [fact.event_id for fact in journal.read()]


def answers(journal: Journal) -> list[object]:
    asked = Analytics(journal, Settings(lake=None))
    return [asked.top_failed_concepts(), asked.average_cost(), asked.cost_by_hour(), asked.path_quality()]
