"""One learner's facts are erased from segments and lake; nobody else's are lost, whoever writes meanwhile."""

import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.analytics import Analytics
from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.events import Fact, Feedback
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.lake import lake_of
from examsgraph_callbacks.journal.learner import Learner, find_learner
from examsgraph_callbacks.settings import Settings
from tests.deliver.factories import BEGAN, comparison, exploration, feedback, hex_id, small_turn

# of Ibis' own making, on every table that DuckDB reads
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

SECRET = "학습자만 아는 말"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def turn(name: str, user_id: str | None, session_id: str | None = None, **fields: Any) -> list[Fact]:
    about = {"user_id": user_id, "session_id": session_id or f"session {name}", **fields}
    facts = [*small_turn(name), exploration(name, query=f"{SECRET} {name}"), feedback(name)]
    return [fact.model_copy(update=about) for fact in facts]


def written(journal: Journal, *facts: Iterable[Fact]) -> None:
    for some in facts:
        for fact in some:
            journal.write(fact)


def learner(journal: Journal, *user_ids: str) -> Learner:
    return find_learner(journal.read, user_ids)


def ids(facts: Iterable[Fact]) -> set[str]:
    return {fact.event_id for fact in facts}


def everything(journal: Journal) -> bytes:
    """All bytes below the journal's folder; what Parquet compresses is read through the lake."""
    lake = lake_of(journal.path)
    lines = [
        line
        for commit in lake.commits()
        for file in commit.files.get("facts", ())
        for line in lake.read(file)["line"].to_pylist()
    ]
    return b"".join([path.read_bytes() for path in journal.path.rglob("*") if path.is_file()] + lines)


def test_the_learners_facts_go_and_all_others_stay_where_they_were(journal: Journal) -> None:
    theirs, others = turn("a", "user_001"), turn("b", "user_002")
    written(journal, theirs[:2], others, theirs[2:])
    (segment,) = journal.segments()
    size = segment.stat().st_size

    assert forget(journal, learner(journal, "user_001")) == len(theirs)

    assert ids(journal.read()) == ids(others)
    assert segment.stat().st_size == size
    assert f"{SECRET} a".encode() not in everything(journal)
    assert b"user_001" not in everything(journal)
    assert forget(journal, learner(journal, "user_001")) == 0


def test_what_names_nobody_in_their_turns_and_sessions_is_theirs(journal: Journal) -> None:
    named = turn("a", "user_001", "session_123")
    of_their_session = turn("b", None, "session_123")
    of_their_turn = [fact.model_copy(update={"session_id": None}) for fact in turn("a", None)]
    of_that_turn = [
        fact.model_copy(update={"session_id": None, "event_id": "x"}) for fact in turn("b", None)[:1]
    ]
    nobodys = [*turn("c", None, "session_9"), comparison(user_id=None, session_id=None)]
    written(journal, of_that_turn, of_their_turn, of_their_session, nobodys, named)

    found = learner(journal, "user_001")
    assert ids(nobodys).isdisjoint(found.events)
    assert found.events == ids([*named, *of_their_session, *of_their_turn, *of_that_turn])
    forget(journal, found)
    assert ids(journal.read()) == ids(nobodys)


def test_a_session_that_others_are_named_in_is_nobodys_alone(journal: Journal) -> None:
    shared = turn("c", None, "classroom")
    written(journal, turn("a", "user_001", "classroom"), shared, turn("b", "user_002", "classroom"))

    forget(journal, learner(journal, "user_001"))

    assert ids(journal.read()) == ids([*shared, *turn("b", "user_002")])


def test_a_line_that_cannot_be_read_and_names_them_goes_too(journal: Journal) -> None:
    written(journal, turn("b", "user_002"))
    journal.close()
    (segment,) = journal.segments()
    with segment.open("ab") as file:
        file.write(b'{"kind":"unknown","user_id":"user_001","text":"x"}\n{"user_id":"user_001","torn')

    forget(journal, Learner(frozenset({"user_001"})))

    assert b"user_001" not in everything(journal)
    assert ids(journal.read()) == ids(turn("b", "user_002"))


def test_a_torn_line_that_was_set_aside_and_names_them_goes_too(journal: Journal) -> None:
    written(journal, turn("b", "user_002"))
    journal.close()
    (journal.path / "a.torn").write_bytes(b'{"user_id":"user_001","torn')
    (journal.path / "b.torn").write_bytes(b'{"user_id":"user_002","torn')

    forget(journal, Learner(frozenset({"user_001"})))

    assert b"user_001" not in (journal.path / "a.torn").read_bytes()
    assert b"user_002" in (journal.path / "b.torn").read_bytes()


def test_who_writes_meanwhile_loses_nothing(journal: Journal) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.journal.writing_application", str(journal.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        erased = sum(forget(journal, learner(journal, "user_001")) for _ in range(20))
        writer.stdin.close()
        numbers = int(writer.stdout.read())
        assert writer.wait(30) == 0
    forget(journal, learner(journal, "user_001"))

    kept = [fact.question_id for fact in journal.read()]
    assert erased > 0
    assert kept == [str(number) for number in range(numbers) if number % 2]


def test_the_lake_is_written_anew_without_them(journal: Journal) -> None:
    theirs, others = turn("a", "user_001"), turn("b", "user_002")
    written(journal, theirs, others)
    journal.close()
    now = datetime.now(UTC)
    compact(journal, is_delivered=lambda *_: True, now=lambda: now)
    compact(journal, is_delivered=lambda *_: True, now=lambda: now + timedelta(hours=1))
    assert journal.segments() == []
    analytics = Analytics(journal, Settings(engine="duckdb"))
    assert analytics.path_quality().explorations == 2
    assert analytics.top_failed_concepts().concepts[0].failure_count == 2

    assert forget(journal, learner(journal, "user_001")) == len(theirs)

    assert ids(journal.read()) == ids(others)
    assert f"{SECRET} a".encode() not in everything(journal)
    for asked in (analytics, Analytics(journal)):
        assert asked.path_quality().explorations == 1
        assert asked.top_failed_concepts().concepts[0].failure_count == 1
        assert asked.average_cost("user_001").calls == 0
        assert asked.average_cost("user_002").calls == 2
    names = {path.name for path in journal.path.rglob("*.parquet")}
    assert names == {
        Path(file.name).name
        for commit in lake_of(journal.path).commits()
        for files in commit.files.values()
        for file in files
    }
    written(journal, turn("c", "user_001"))
    assert ids(journal.read()) == ids([*others, *turn("c", "user_001")])


def test_the_answers_of_a_server_that_runs_forget_them_too(journal: Journal) -> None:
    written(journal, turn("a", "user_001"), turn("b", "user_002"))
    analytics = Analytics(journal)
    assert analytics.average_cost("user_001").calls == 2

    forget(journal, learner(journal, "user_001"))

    assert analytics.average_cost("user_001").calls == 0
    assert analytics.average_cost("user_002").calls == 2


def test_questions_are_answered_where_a_segment_held_nobody_else(journal: Journal) -> None:
    written(journal, turn("a", "user_001"))
    analytics = Analytics(journal)
    assert analytics.average_cost("user_001").calls == 2

    forget(journal, learner(journal, "user_001"))

    assert analytics.average_cost("user_001").calls == 0
    assert Analytics(journal).path_quality().explorations == 0


def test_a_replacement_that_was_cut_short_counts_once_and_is_cleaned_up(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, others = turn("a", "user_001"), turn("b", "user_002")
    written(journal, theirs, others)
    journal.close()
    now = datetime.now(UTC)
    compact(journal, is_delivered=lambda *_: True, now=lambda: now)
    compact(journal, is_delivered=lambda *_: True, now=lambda: now + timedelta(hours=1))
    who = learner(journal, "user_001")

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("examsgraph_callbacks.journal.store.Folder.remove", cut)
        with pytest.raises(KeyboardInterrupt):
            forget(journal, who)
    assert ids(journal.read()) == ids(others)

    forget(journal, learner(journal, "user_001"))

    assert f"{SECRET} a".encode() not in everything(journal)
    assert len([*journal.path.rglob("commits/*.json")]) == 1
    assert ids(journal.read()) == ids(others)


def test_nothing_is_erased_where_there_is_nothing(journal: Journal) -> None:
    assert forget(journal, learner(journal, "user_001")) == 0
    assert not journal.path.exists()
    written(journal, [Feedback(event_id=hex_id("f"), started_at=BEGAN, feedback_type="thumbs_up")])
    assert forget(journal, learner(journal, "user_001")) == 0
