"""How much a shipper is behind, asked again and again: only what is new is read."""

from pathlib import Path

from examsgraph_callbacks.deliver import Behind
from examsgraph_callbacks.journal.encode import encode_fact
from tests.deliver.factories import feedback


def test_lines_are_counted_once_as_they_come_and_once_as_they_are_passed(tmp_path: Path) -> None:
    segment, behind = tmp_path / "segment.jsonl", Behind()
    line = b"x" * 9 + b"\n"
    segment.write_bytes(line * 10)
    assert behind.lines("here", segment, 0) == 10
    with segment.open("r+b") as file:  # were it read again, it would be less
        file.write(b"x" * 50)
        file.seek(0, 2)
        file.write(line * 3 + b"half")
    assert behind.lines("here", segment, 0) == 13
    assert behind.lines("there", segment, 0) == 8
    assert behind.lines("here", segment, 120) == 13 - 5 - 2
    assert behind.lines("here", segment, segment.stat().st_size) == 0


def test_the_age_of_the_oldest_is_looked_up_once(tmp_path: Path) -> None:
    segment, behind = tmp_path / "segment.jsonl", Behind()
    assert not segment.exists()
    segment.write_bytes(b"")
    assert behind.written_at(segment, 0) is None
    segment.write_bytes(encode_fact(feedback()))
    moment = behind.written_at(segment, 0)
    segment.write_bytes(b"")
    assert behind.written_at(segment, 0) == moment == feedback().ended_at
    behind.keep_only([segment], set())
    assert behind.written_at(segment, 0) is None
