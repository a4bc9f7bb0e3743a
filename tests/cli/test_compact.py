"""`examsgraph compact`, and the shipper that runs it when that is worth it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from examsgraph_callbacks.cli import app
from examsgraph_callbacks.deliver import upkeep
from examsgraph_callbacks.deliver.upkeep import Upkeep
from examsgraph_callbacks.journal import Journal
from tests.analytics.facts import answered

NOW = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setenv("EXAMSGRAPH_SHIP", "off")
    made = Journal(tmp_path / "journal")
    made.write(answered())
    made.close()
    return made


def test_it_says_what_it_did_and_what_stays(journal: Journal) -> None:
    def run() -> str:
        done = CliRunner().invoke(app, ["compact", "--journal", str(journal.path)])
        assert done.exit_code == 0
        return done.output

    assert "1 fact of 1 segment compacted" in run()
    assert "1 compacted segment kept" in run()
    assert len(list(journal.read())) == 1


def test_it_says_where_a_line_is_that_a_crash_cut_short(journal: Journal) -> None:
    torn = journal.path / "a.torn"
    torn.write_bytes(b'{"kind')
    done = CliRunner().invoke(app, ["compact", "--journal", str(journal.path)])
    said = "".join(done.output.split())
    assert "1lastlinethatacrashcutshortsetaside" in said
    assert "".join(str(torn).split()) in said


class Started:
    """A process that somebody started, and that runs until it is said to have ended."""

    def __init__(self) -> None:
        self.ended = False

    def poll(self) -> int | None:
        return 0 if self.ended else None


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Started]:
    processes: list[Started] = []

    def start(_upkeep: Upkeep) -> Started:
        processes.append(Started())
        return processes[-1]

    monkeypatch.setattr(Upkeep, "_start", start)
    return processes


def test_the_shipper_has_it_done_when_there_is_enough_and_once_at_a_time(
    journal: Journal, started: list[Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = Upkeep(journal)
    looking.look(NOW)
    assert not started, "one fact is not worth it"

    monkeypatch.setattr(upkeep, "WORTH_IT_BYTES", 1)
    looking.look(NOW + timedelta(minutes=9))
    assert not started, "it looked a short while ago"
    looking.look(NOW + timedelta(minutes=10))
    looking.look(NOW + timedelta(minutes=20))
    assert len(started) == 1, "it still runs"
    started[0].ended = True
    looking.look(NOW + timedelta(minutes=30))
    assert len(started) == 2


def test_a_lake_that_cannot_be_reached_holds_up_nothing(
    journal: Journal, started: list[Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMSGRAPH_LAKE", "nowhere://bucket")
    Upkeep(journal).look(NOW)
    assert not started
