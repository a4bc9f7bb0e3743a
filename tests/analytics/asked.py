"""Analytics over facts that stand in open segments, in the lake, or half in each."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from examsgraph_callbacks.analytics import (
    Analytics,
)
from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.encode import encode_fact
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.settings import Settings

Ask = Callable[..., Analytics]
SEOUL_NEW_YEAR = datetime(2024, 12, 31, 15, tzinfo=UTC)


@pytest.fixture(params=["open segments", "lake", "half of each"])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    """Analytics over the facts it is given, in their order, wherever they stand by then."""

    def asked(*facts: Fact, meter: Meter | None = None, **settings: object) -> Analytics:
        journal = Journal(tmp_path / "journal")
        journal.path.mkdir()
        half = len(facts) if request.param == "lake" else len(facts) // 2
        compacted = () if request.param == "open segments" else facts[:half]
        if compacted:
            _write(journal.path / "1.jsonl", compacted)
            compact(journal, meter, is_delivered=lambda _segment, _size: True)
        _write(journal.path / "2.jsonl", facts[len(compacted) :])
        return Analytics(journal, Settings(**settings), meter)  # type: ignore[arg-type]

    return asked


def _write(segment: Path, facts: tuple[Fact, ...]) -> None:
    segment.write_bytes(b"".join(map(encode_fact, facts)))
