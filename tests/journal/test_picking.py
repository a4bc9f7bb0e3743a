"""A few facts are picked out of many: by their place, or all of a rare kind, wherever they lie by now."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.errors import LakeUnavailableError
from examsgraph_callbacks.events import Exposure, Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.lake import Lake
from examsgraph_callbacks.journal.learner import find_learner
from examsgraph_callbacks.journal.mark import journal_mark
from examsgraph_callbacks.journal.picking import FactsOfKinds, Place, fact_at
from examsgraph_callbacks.journal.reader import read_segment
from examsgraph_callbacks.journal.store import Folder
from examsgraph_callbacks.measure import Meter
from tests.measure.facts import llm_call

BEGAN = datetime(2025, 3, 1, tzinfo=UTC)


def exposure(number: int) -> Exposure:
    return Exposure(
        event_id=f"exposure {number}",
        started_at=BEGAN + timedelta(seconds=number),
        experiment="tone",
        user_id=f"user_{number % 2}",
        prompt_variant="a",
    )


def written(folder: Path) -> Journal:
    """Ten calls, and after every other one an exposure."""
    journal = Journal(folder / "journal")
    for number in range(10):
        journal.write(llm_call(event_id=f"call {number}", started_at=BEGAN + timedelta(seconds=number)))
        if number % 2:
            journal.write(exposure(number))
    journal.close()
    return journal


def compacted(journal: Journal) -> None:
    for grace in (timedelta(0), timedelta(days=-1)):
        compact(journal, Meter(), is_delivered=lambda _segment, _size: True, grace=grace)
    assert journal.segments() == []


def places(journal: Journal) -> list[tuple[Place, Fact]]:
    found, begin = [], 0
    for end, fact in read_segment(journal.segments()[0]):
        found.append((Place(fact.event_id, begin, fact.started_at), fact))
        begin = end
    return found


def test_a_fact_is_found_at_its_place_in_a_segment_and_in_the_lake(tmp_path: Path) -> None:
    journal = written(tmp_path)
    known = places(journal)
    assert len(known) == 15
    assert [fact_at(journal, place) for place, _ in known] == [fact for _, fact in known]
    compacted(journal)
    assert [fact_at(journal, place) for place, _ in known] == [fact for _, fact in known]


def test_what_is_there_no_more_is_not_found(tmp_path: Path) -> None:
    journal = written(tmp_path)
    (place, _), (other, _) = places(journal)[:2]
    assert fact_at(journal, place._replace(event_id="another")) is None
    assert fact_at(journal, place._replace(position=other.position)) is None
    assert fact_at(journal, place._replace(position=10**9)) is None
    assert fact_at(Journal(tmp_path / "nowhere"), place) is None


def test_facts_of_a_kind_are_read_once_before_and_after_compaction(tmp_path: Path) -> None:
    journal = written(tmp_path)
    facts = FactsOfKinds(journal, ["exposure"])
    assert [fact.event_id for fact in facts.new()] == [f"exposure {number}" for number in (1, 3, 5, 7, 9)]
    assert facts.new() == []
    compacted(journal)
    assert facts.new() == []
    journal.write(exposure(20))
    assert [fact.event_id for fact in facts.new()] == ["exposure 20"]
    afresh = FactsOfKinds(journal, ["exposure"])
    assert {fact.event_id for fact in afresh.new()} == {
        f"exposure {number}" for number in (1, 3, 5, 7, 9, 20)
    }


def test_a_look_that_fails_has_taken_nothing_and_the_next_one_takes_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = written(tmp_path)
    facts = FactsOfKinds(journal, ["exposure"])
    before = {fact.event_id for fact in facts.new()}
    assert forget(journal, find_learner(journal.read, ["user_1"])) > 0
    journal.write(exposure(20))
    with monkeypatch.context() as patched:
        patched.setattr(FactsOfKinds, "_of_line", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            facts.new()
    assert {fact.event_id for fact in facts.new()} == {"exposure 20"}
    assert facts.restarted, "what was taken before the failure is not to be added to"
    assert before != {"exposure 20"}
    assert facts.new() == []
    assert not facts.restarted


def test_a_line_that_only_quotes_the_kind_is_no_fact_of_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.write(llm_call(event_id="call", tags=('"exposure"', "exposure")))
    assert FactsOfKinds(journal, ["exposure"]).new() == []


def test_after_a_learner_was_forgotten_it_begins_anew(tmp_path: Path) -> None:
    journal = written(tmp_path)
    facts = FactsOfKinds(journal, ["exposure"])
    facts.new()
    forget(journal, find_learner(journal.read, ["user_1"]))
    assert facts.new() == []
    assert facts.restarted
    facts.new()
    assert not facts.restarted


def test_the_mark_changes_with_the_journal_and_only_then(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    marks = [journal_mark(journal)]
    journal.write(exposure(1))
    marks.append(journal_mark(journal))
    assert journal_mark(journal) == marks[-1]
    journal.write(exposure(2))
    marks.append(journal_mark(journal))
    journal.close()
    compacted(journal)
    marks.append(journal_mark(journal))
    forget(journal, find_learner(journal.read, ["user_1"]))
    marks.append(journal_mark(journal))
    assert len(set(marks)) == 5


def test_a_lake_that_lists_what_it_does_not_have_is_told_and_not_looked_at_for_ever(tmp_path: Path) -> None:
    class Forgetful(Folder):
        def read(self, name: str) -> bytes:
            raise FileNotFoundError(name)

    journal = written(tmp_path)
    compacted(journal)
    with pytest.raises(LakeUnavailableError, match="cannot be reached now"):
        Lake(Forgetful(journal.path / "lake")).commits()
