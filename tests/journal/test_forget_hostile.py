"""Forgetting under kills, full disks, readers and equal ids: the learner goes, and nobody else does."""

import errno
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.analytics.compaction import compact
from examsgraph_callbacks.errors import JournalUnavailableError
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.journal.encode import encode_fact
from examsgraph_callbacks.journal.forget import forget
from examsgraph_callbacks.journal.lake import Lake, lake_of
from examsgraph_callbacks.journal.learner import Learner
from examsgraph_callbacks.journal.store import Folder
from tests.deliver.factories import comparison
from tests.journal.test_forget import SECRET, everything, ids, learner, turn


class CutError(BaseException):
    """Stands for the death of the process."""


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def segment(journal: Journal, name: str, facts: Iterable[Fact]) -> None:
    journal.path.mkdir(exist_ok=True)
    (journal.path / f"{name}.jsonl").write_bytes(b"".join(map(encode_fact, facts)))


def nameless(facts: Iterable[Fact]) -> list[Fact]:
    about = {"user_id": None, "session_id": None}
    return [fact.model_copy(update={**about, "event_id": f"u{fact.event_id}"}) for fact in facts]


def compacted(journal: Journal) -> None:
    for _ in range(2):
        compact(journal, is_delivered=lambda *_: True, grace=timedelta(0))
    assert journal.segments() == []


def lines(journal: Journal) -> list[bytes]:
    """The lines of all facts as they stand in segments and lake, byte for byte."""
    lake = lake_of(journal.path)
    rows = [
        line
        for commit in lake.commits()
        for file in commit.files.get("facts", ())
        for line in lake.read(file)["line"].to_pylist()
    ]
    segments = [path.read_bytes().splitlines(keepends=True) for path in journal.segments()]
    return sorted([*rows, *(line for each in segments for line in each if line != b"\n")])


def leftovers(journal: Journal) -> list[bytes]:
    """What any file below the journal says, those too that nothing counts any more."""
    from pyarrow import parquet

    said = [everything(journal)]
    for path in journal.path.rglob("*"):
        if path.name.startswith("."):
            said.append(path.name.encode())
        if path.suffix == ".parquet":
            said += [str(row).encode() for row in parquet.read_table(path).to_pylist()]
    return said


def cut_at(patched: pytest.MonkeyPatch, last: int) -> None:
    """Have the process die before the `last`-th change of a file."""
    left = iter(range(last))

    def dying(do: Any) -> Any:
        def step(*args: Any, **named: Any) -> Any:
            if next(left, None) is None:
                raise CutError
            return do(*args, **named)

        return step

    patched.setattr(os, "pwrite", dying(os.pwrite))
    patched.setattr(Folder, "write", dying(Folder.write))
    patched.setattr(Folder, "remove", dying(Folder.remove))
    patched.setattr(Path, "unlink", dying(Path.unlink))


def test_cut_short_at_any_step_and_done_again_the_learner_is_gone_and_nobody_else(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    others = [*turn("b", "user_002"), *nameless(turn("c", None))]

    def anew(place: Path) -> Journal:
        made = Journal(place)
        segment(made, "a", [*turn("a", "user_001")[:1], *turn("b", "user_002")[:2]])
        compacted(made)
        segment(made, "b", [*turn("a", "user_001")[1:], *turn("b", "user_002")[2:]])
        segment(made, "c", [*nameless(turn("a", None)), *nameless(turn("c", None))])
        return made

    last, cut = 0, True
    while cut:
        made = anew(tmp_path / f"journal{last}")
        cut = False
        with monkeypatch.context() as patched:
            cut_at(patched, last)
            try:
                forget(made, learner(made, "user_001"))
            except CutError:
                cut = True
        forget(made, learner(made, "user_001"))
        assert lines(made) == sorted(map(encode_fact, others)), f"cut before step {last}"
        for said in leftovers(made):
            assert b"user_001" not in said
            assert f"{SECRET} a".encode() not in said
        last += 1
    assert last > 20


def test_what_a_compaction_left_that_was_killed_goes_too(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment(journal, "a", turn("a", "user_001"))
    write = Folder.write

    def dying(folder: Folder, name: str, content: bytes) -> None:
        if name.startswith("commits"):
            raise CutError
        write(folder, name, content)

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", dying)
        with pytest.raises(CutError):
            compact(journal, is_delivered=lambda *_: True)
    draft = (
        next(iter((journal.path / "lake" / "facts").iterdir()))
        / ".20260101T000000000000-abcdef01.parquet.7.draft"
    )
    draft.write_text("user_001")
    (journal.path / "lake" / "notes.txt").write_text("somebody else's")

    forget(journal, learner(journal, "user_001"))

    assert [*journal.path.rglob("*.parquet")] == []
    assert not draft.exists()
    assert (journal.path / "lake" / "notes.txt").exists()


def test_in_a_store_that_others_may_share_what_is_on_its_way_to_a_commit_stays(journal: Journal) -> None:
    folder = Folder(journal.path / "store")
    old = "facts/date=2026-01-01/20260101T000000000000-abcdef01.parquet"
    new = f"facts/date=2026-01-01/{datetime.now(UTC):%Y%m%dT%H%M%S%f}-abcdef01.parquet"
    for name in (old, new, "facts/a.parquet", "photo.jpg"):
        folder.write(name, b"x")

    Lake(folder).clean()

    assert sorted(folder.every_name()) == sorted([new, "facts/a.parquet", "photo.jpg"])


def test_an_id_that_two_facts_have_costs_nobody_theirs(journal: Journal) -> None:
    theirs = turn("a", "user_001")
    others = [
        fact.model_copy(update={"event_id": own.event_id})
        for fact, own in zip(turn("b", "user_002"), theirs, strict=True)
    ]
    segment(journal, "a", [*theirs, *others])
    compacted(journal)

    forget(journal, learner(journal, "user_001"))

    assert lines(journal) == sorted(map(encode_fact, others))


def test_what_was_written_and_compacted_after_they_were_looked_for_goes_too(journal: Journal) -> None:
    segment(journal, "a", turn("a", "user_001"))
    who = learner(journal, "user_001")
    segment(journal, "b", [*turn("d", "user_001"), *turn("b", "user_002")])
    compacted(journal)

    forget(journal, who)

    assert lines(journal) == sorted(map(encode_fact, turn("b", "user_002")))


def test_a_comparison_of_answers_of_their_turn_is_theirs_though_it_names_nobody(journal: Journal) -> None:
    theirs = turn("a", "user_001")
    about: dict[str, Any] = {"user_id": None, "session_id": None, "trace_id": None}
    of_theirs = comparison(**about, trace_ids={"v1": theirs[0].trace_id}, user_answer="그들의 답")
    of_others = comparison(**about, trace_ids={"v1": "f" * 32}).model_copy(update={"event_id": "o"})
    segment(journal, "a", [*theirs, of_theirs, of_others])

    forget(journal, learner(journal, "user_001"))

    assert lines(journal) == [encode_fact(of_others)]


def test_of_lines_that_are_no_facts_those_of_their_turns_go_and_those_of_others_stay(
    journal: Journal,
) -> None:
    theirs = turn("a", "user_001")
    trace_id = theirs[0].trace_id
    of_their_turn = {"kind": "dream", "trace_id": trace_id, "text": "꿈"}
    spaced = {"kind": "dream", "user_id": "user_001"}
    quoting = {"kind": "dream", "user_id": "user_002", "trace_id": trace_id, "text": '"user_id":"user_001"'}
    of_nobody = {"kind": "dream", "text": "user_001"}
    segment(journal, "a", theirs)
    with (journal.path / "a.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(each)}\n" for each in (of_their_turn, spaced, quoting, of_nobody))
        file.write(json.dumps(of_their_turn)[:-4])

    forget(journal, learner(journal, "user_001"))

    assert lines(journal) == sorted(f"{json.dumps(each)}\n".encode() for each in (quoting, of_nobody))


def test_a_line_that_was_half_erased_is_known_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = turn("a", "user_001")[1].model_copy(update={"error_message": f"{SECRET} a" * 20_000})
    segment(journal, "a", [long])
    pwrite, writes = os.pwrite, iter(range(2))

    def dying(descriptor: int, content: bytes, offset: int) -> int:
        if next(writes, None) is None:
            raise CutError
        return pwrite(descriptor, content, offset)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", dying)
        with pytest.raises(CutError):
            forget(journal, learner(journal, "user_001"))

    forget(journal, Learner(frozenset({"user_001"})))

    assert lines(journal) == []


def test_a_disk_that_takes_no_note_is_told_before_anything_is_erased(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment(journal, "a", turn("a", "user_001"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Folder, "write", full)
    with pytest.raises(JournalUnavailableError, match="nothing is erased yet"):
        forget(journal, learner(journal, "user_001"))
    assert lines(journal) == sorted(map(encode_fact, turn("a", "user_001")))


def test_who_reads_while_somebody_is_forgotten_reads_everybody_else_once(journal: Journal) -> None:
    names = [f"{number}" for number in range(6)]
    for name in names:
        segment(journal, name, turn(name, "user_001" if int(name) % 2 else "user_002"))
        compacted(journal)
    others = {id_ for name in names[::2] for id_ in ids(turn(name, None))}
    reading = journal.read()
    read = [next(reading).event_id]

    forget(journal, learner(journal, "user_001"))

    read += [fact.event_id for fact in reading]
    assert len(read) == len(set(read))
    assert set(read) >= others


def test_commits_that_are_replaced_while_they_are_listed_are_listed_anew(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment(journal, "a", [*turn("a", "user_001"), *turn("b", "user_002")])
    compacted(journal)
    who, names = learner(journal, "user_001"), Folder.names

    def late(folder: Folder, name: str) -> list[str]:
        found = names(folder, name)
        monkeypatch.undo()
        forget(journal, who)
        return found

    monkeypatch.setattr(Folder, "names", late)
    assert ids(journal.read()) == ids(turn("b", "user_002"))


def test_who_measures_anew_what_is_replaced_leaves_no_copy_of_it(journal: Journal) -> None:
    segment(journal, "a", [*turn("a", "user_001"), *turn("b", "user_002")])
    compacted(journal)
    lake = lake_of(journal.path)
    (file,) = lake.commits()[0].files["calls"]
    rows = lake.read(file)
    forget(journal, learner(journal, "user_001"))

    with pytest.raises(FileNotFoundError):
        lake.replace("calls", file, rows, "another meter")

    assert b"user_001" not in b"".join(leftovers(journal))
