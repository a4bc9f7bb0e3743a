"""What is written is read back: whole, in order, across processes, threads and forks."""

import json
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from examsgraph_callbacks.errors import InvalidInputError, SchemaError
from examsgraph_callbacks.journal import Journal, Problem, read_segment
from examsgraph_callbacks.journal.writer import SegmentWriter
from tests.journal.facts import llm_call


def _only_segment(journal: Journal) -> Path:
    (segment,) = journal.segments()
    return segment


def test_a_fact_comes_back_equal(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(llm_call(1))
    assert list(journal.read()) == [llm_call(1)]


def test_a_fact_is_on_disk_before_write_returns(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(llm_call(1))
    assert _only_segment(journal).read_bytes().endswith(b"}\n")


def test_korean_is_written_unescaped(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(llm_call(question="정규화의 목적은?"))
    assert "정규화의 목적은?" in _only_segment(journal).read_text(encoding="utf-8")


def test_nothing_is_made_before_the_first_fact(tmp_path: Path) -> None:
    place = tmp_path / "journal"
    assert list(Journal(place).read()) == []
    assert not place.exists()


def test_half_an_emoji_is_replaced_and_the_fact_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(llm_call(question="좋아요 \ud83d"))
    (fact,) = journal.read()
    assert fact.model_dump()["request"]["messages"][0]["content"] == "좋아요 ?"


def test_the_journal_is_where_the_argument_then_the_environment_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Journal().path == tmp_path / ".examsgraph" / "journal"
    monkeypatch.setenv("EXAMSGRAPH_JOURNAL", str(tmp_path / "elsewhere"))
    assert Journal().path == tmp_path / "elsewhere"
    assert Journal(tmp_path / "given").path == tmp_path / "given"


def test_a_file_in_the_journals_place_is_refused_by_name(tmp_path: Path) -> None:
    place = tmp_path / "journal"
    place.write_text("")
    with pytest.raises(InvalidInputError, match="expected a directory for the journal, found a file at"):
        Journal(place)


def test_a_torn_last_line_is_reported_and_skipped_and_read_once_it_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(llm_call(1))
    journal.write(llm_call(2))
    segment = _only_segment(journal)
    whole = segment.read_bytes()
    torn_at = len(whole) - 10
    segment.write_bytes(whole[:torn_at])

    problems: list[Problem] = []
    read = list(read_segment(segment, on_problem=problems.append))
    assert [fact for _, fact in read] == [llm_call(1)]
    assert [(problem.offset, "torn" in problem.reason) for problem in problems] == [(read[-1][0], True)]

    segment.write_bytes(whole)
    assert [fact for _, fact in read_segment(segment, start=read[-1][0])] == [llm_call(2)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"kind":"weather","schema_version":"1.9","event_id":"x"}', "unknown kind of fact 'weather'"),
        (b"not json", "it is not JSON"),
        (b"[1]", "expected an object, found list"),
        (b'{"kind":"trace","outputs":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deeply"),
        ('{"kind":"weather","schema_version":"².0"}'.encode(), "unknown kind of fact 'weather'"),
        (b'{"kind":"feedback","event_id":"x","started_at":"2026-01-15T10:30:00Z"}', "feedback_type"),
    ],
)
def test_what_is_no_fact_is_reported_and_the_rest_read(tmp_path: Path, line: bytes, reason: str) -> None:
    journal = Journal(tmp_path)
    journal.write(llm_call(1))
    segment = _only_segment(journal)
    segment.write_bytes(line + b"\n" + segment.read_bytes())
    problems: list[Problem] = []
    assert list(journal.read(on_problem=problems.append)) == [llm_call(1)]
    (problem,) = problems
    assert problem.offset == 0
    assert reason in problem.reason


def test_a_newer_minor_schema_is_read_without_its_new_fields(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(llm_call(1))
    segment = _only_segment(journal)
    newer = json.loads(segment.read_bytes()) | {"schema_version": "1.7", "mood": "curious"}
    segment.write_text(json.dumps(newer) + "\n")
    (fact,) = journal.read()
    assert fact == llm_call(1).model_copy(update={"schema_version": "1.7"})


@pytest.mark.parametrize("kind", ["llm_call", "a_kind_of_the_future"])
def test_a_newer_major_schema_is_refused_with_what_to_do(tmp_path: Path, kind: str) -> None:
    (tmp_path / "20300101.jsonl").write_text(
        json.dumps({"kind": kind, "schema_version": "2.0", "event_id": "x"}) + "\n",
    )
    with pytest.raises(SchemaError, match=r"expected facts of schema 1\.x, found schema 2\.0: upgrade"):
        list(Journal(tmp_path).read())


def test_segments_of_several_processes_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    for first in (0, 1, 2):
        # a writer of its own for each, as each process has
        journal = Journal(tmp_path)
        journal._writer = SegmentWriter(tmp_path)
        for number in range(first, 9, 3):
            journal.write(llm_call(number, after_seconds=number))
    assert len(Journal(tmp_path).segments()) == 3
    assert [int(fact.event_id, 16) for fact in Journal(tmp_path).read()] == list(range(9))


def test_within_a_segment_the_order_of_writing_survives_a_clock_set_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number, after_seconds in enumerate([0, 3600, 5, 7200]):
        journal.write(llm_call(number, after_seconds=after_seconds))
    assert [int(fact.event_id, 16) for fact in journal.read()] == [0, 1, 2, 3]


def test_journals_at_one_place_share_this_processes_segment(tmp_path: Path) -> None:
    for number in range(50):
        Journal(tmp_path).write(llm_call(number))
    assert len(Journal(tmp_path).segments()) == 1


def test_sixteen_threads_lose_and_tear_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    def write(thread: int) -> None:
        for number in range(200):
            journal.write(llm_call(thread * 200 + number, question="가" * 3000))

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    problems: list[Problem] = []
    read = [int(fact.event_id, 16) for fact in journal.read(on_problem=problems.append)]
    assert sorted(read) == list(range(3200))
    assert problems == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_writes_to_a_segment_of_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(llm_call(0))

    with journal._writer._lock:  # as if another thread were writing at the moment of the fork
        children = [
            multiprocessing.get_context("fork").Process(target=journal.write, args=(llm_call(number),))
            for number in (1, 2)
        ]
        for child in children:
            child.start()
        for child in children:
            child.join(20)
    assert [child.exitcode for child in children] == [0, 0]
    journal.write(llm_call(3))

    assert len(journal.segments()) == 3
    assert sorted(int(fact.event_id, 16) for fact in journal.read()) == [0, 1, 2, 3]
