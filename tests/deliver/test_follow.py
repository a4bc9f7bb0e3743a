"""Following a journal: what is new arrives at the next look, failures are waited out, and it ends well."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from examsgraph_callbacks.deliver import ShipReport, follow, follow_in_turn, ship, shipping_status
from examsgraph_callbacks.deliver.backoff import Backoff
from examsgraph_callbacks.deliver.checkpoint import CheckpointFile
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.runs import RunWriter
from examsgraph_callbacks.errors import DeliveryError, InvalidInputError
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import BEGAN, full_turn, hex_id, small_turn, write
from tests.deliver.readback import runs_in, trace_of, traces_in


class Script:
    """Stands in for waiting: each pause runs the next step, and after the last one it says to stop."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = list(steps)
        self.pauses: list[float] = []

    def __call__(self, seconds: float) -> bool:
        if seconds == 0:
            return False
        self.pauses.append(seconds)
        if not self._steps:
            return True
        self._steps.pop(0)()
        return False


def both(first: Callable[[], object], second: Callable[[], object]) -> Callable[[], None]:
    def do() -> None:
        first()
        second()

    return do


def nothing() -> None:
    """A pause in which nothing happens."""


def test_what_is_written_meanwhile_is_delivered_at_the_next_look(journal: Journal, sqlite_uri: str) -> None:
    write(journal, "first")
    seen: list[list[str]] = []
    script = Script(
        both(lambda: seen.append(traces_in(sqlite_uri)), lambda: write(journal, "second")),
        both(lambda: seen.append(traces_in(sqlite_uri)), lambda: write(journal, "third")),
        lambda: seen.append(traces_in(sqlite_uri)),
    )
    follow(journal, sqlite_uri, wait=script)

    assert [len(traces) for traces in seen] == [1, 2, 3]
    assert traces_in(sqlite_uri) == sorted(map(hex_id, ["first", "second", "third"]))


def test_a_new_segment_is_seen(journal: Journal, sqlite_uri: str) -> None:
    write(journal, "first")
    second = Journal(journal.path)
    script = Script(both(journal.close, lambda: write(second, "second")), nothing)
    follow(journal, sqlite_uri, wait=script)

    assert len(second.segments()) == 2
    assert traces_in(sqlite_uri) == sorted(map(hex_id, ["first", "second"]))


def test_where_nothing_is_new_mlflow_is_not_asked(
    journal: Journal, sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(journal, "turn")
    asked: list[str] = []
    unpatched = Destination.experiment_id

    def experiment_id(self: Destination, name: str) -> str:
        asked.append(name)
        return unpatched(self, name)

    monkeypatch.setattr(Destination, "experiment_id", experiment_id)
    counts: list[int] = []
    count = lambda: counts.append(len(asked))  # noqa: E731
    follow(journal, sqlite_uri, wait=Script(count, count, count))

    assert counts[0] > 0
    assert counts == [counts[0]] * 3


def test_a_turn_that_stays_silent_is_delivered_in_time(journal: Journal, sqlite_uri: str) -> None:
    *children, _root = small_turn("turn")
    for fact in children:
        journal.write(fact)
    moments = iter([BEGAN + timedelta(minutes=minute) for minute in (1, 2, 30, 31)])
    follow(journal, sqlite_uri, wait=Script(nothing, nothing), now=lambda: next(moments))

    assert trace_of(sqlite_uri, "turn").info.tags["incomplete"] == "true"


def test_a_clock_that_jumps_loses_nothing_and_doubles_nothing(journal: Journal, sqlite_uri: str) -> None:
    *children, root = small_turn("turn")
    for fact in children:
        journal.write(fact)
    moments = iter([BEGAN + timedelta(days=days) for days in (0, 400, -400, 0)])
    script = Script(nothing, lambda: journal.write(root), nothing)
    follow(journal, sqlite_uri, wait=script, now=lambda: next(moments))

    trace = trace_of(sqlite_uri, "turn")
    assert (trace.info.state.value, trace.info.tags["incomplete"]) == ("OK", "false")
    assert len(trace.data.spans) == 3
    assert traces_in(sqlite_uri) == [hex_id("turn")]


def test_while_mlflow_is_down_the_pauses_grow_and_then_everything_arrives(
    journal: Journal, sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(journal, "turn")
    failed: list[DeliveryError] = []
    broken = [True]
    unpatched = Destination.experiment_id

    def experiment_id(self: Destination, name: str) -> str:
        if broken[0]:
            raise self.unreachable("Connection refused")
        return unpatched(self, name)

    monkeypatch.setattr(Destination, "experiment_id", experiment_id)
    script = Script(*[nothing] * 9, lambda: broken.__setitem__(0, False), nothing)
    follow(journal, sqlite_uri, wait=script, on_failure=failed.append, backoff=Backoff(lambda: 0.0))

    assert script.pauses[:10] == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert script.pauses[10:] == [1, 1]
    assert len(failed) == 10
    assert traces_in(sqlite_uri) == [hex_id("turn")]
    assert shipping_status(journal, sqlite_uri)[0].error is None


def test_while_mlflow_takes_some_of_it_the_pauses_stay_short(
    journal: Journal, sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(journal, "turn")

    def known(_self: RunWriter, _began: object) -> dict[str, Any]:
        raise DeliveryError("expected an answer, got none")

    monkeypatch.setattr(RunWriter, "known", known)
    script = Script(*[nothing] * 6)
    follow(journal, sqlite_uri, wait=script, backoff=Backoff(lambda: 0.0))

    assert script.pauses == [1, 2, 4, 5, 5, 5, 5]
    assert traces_in(sqlite_uri) == [hex_id("turn")]


def test_after_a_failure_few_turns_go_at_once_then_more(
    journal: Journal, sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(journal, *(f"turn {number}" for number in range(45)))
    unpatched = Destination.experiment_id
    failures = [DeliveryError("expected an answer, got none")]

    def experiment_id(self: Destination, name: str) -> str:
        if failures:
            raise failures.pop()
        return unpatched(self, name)

    monkeypatch.setattr(Destination, "experiment_id", experiment_id)
    told: list[int] = []
    follow(
        journal,
        sqlite_uri,
        wait=Script(nothing, nothing, lambda: write(journal, *(f"later {number}" for number in range(45)))),
        on_progress=lambda report: told.append(report.traces),
    )

    # each batch is told once the next one is sent
    assert list(dict.fromkeys(told)) == [10, 20, 40, 45, 90]


def test_pauses_are_shortened_by_chance_and_never_below_what_was_asked_for() -> None:
    chances = iter([0.0, 0.5, 1.0])
    backoff = Backoff(lambda: next(chances))
    assert [backoff.next_pause() for _ in range(3)] == [1.0, 2 * 0.75, 4 * 0.5]
    backoff = Backoff(lambda: 0.0)
    assert [backoff.next_pause(answers=True) for _ in range(5)] == [1, 2, 4, 5, 5]
    assert [backoff.next_pause(answers=answers) for answers in (False, False, True)] == [5, 10, 5]
    assert Backoff().next_pause(30) == 30
    assert Backoff().next_pause(1e9) == 3600


def test_it_ends_after_the_batch_in_hand(journal: Journal, sqlite_uri: str) -> None:
    write(journal, *(f"turn {number}" for number in range(250)))
    told: list[int] = []
    follow(
        journal,
        sqlite_uri,
        wait=lambda seconds: seconds == 0,
        on_progress=lambda report: told.append(report.traces),
    )

    assert told == [200]
    assert ship(journal, sqlite_uri).traces == 50


def test_what_another_process_ships_in_between_is_left_out(journal: Journal, sqlite_uri: str) -> None:
    write(journal, "first")
    reports: list[ShipReport] = []

    def another_ships() -> None:
        write(journal, "second")
        assert ship(journal, sqlite_uri).traces == 1
        write(journal, "third")

    follow(journal, sqlite_uri, wait=Script(another_ships, nothing), on_progress=reports.append)

    # begun anew where the other one got to
    assert (reports[-1].traces, reports[-1].facts_read) == (1, 3)


def test_while_another_one_follows_it_waits_and_says_so_once(journal: Journal, sqlite_uri: str) -> None:
    write(journal, "turn")
    told: list[str] = []

    def follow_too() -> None:
        script = Script(nothing, nothing)
        follow_in_turn(journal, sqlite_uri, wait=script, on_other=lambda: told.append("another"))
        assert script.pauses == [1, 1, 1]

    follow_in_turn(journal, sqlite_uri, wait=Script(follow_too))

    assert told == ["another"]
    follow_in_turn(journal, sqlite_uri, wait=Script(nothing), on_other=lambda: told.append("freed"))
    assert told == ["another"]


def test_a_journal_that_is_removed_is_not_made_anew(journal: Journal, sqlite_uri: str) -> None:
    import shutil

    write(journal, "turn")
    follow(journal, sqlite_uri, wait=Script(lambda: shutil.rmtree(journal.path), nothing, nothing))

    assert not journal.path.exists()


def test_a_uri_that_holds_no_traces_is_told_at_once(journal: Journal) -> None:
    write(journal, "turn")
    with pytest.raises(InvalidInputError, match="or a database such as"):
        follow(journal, "databricks", wait=Script(nothing))


def test_a_full_disk_holds_it_up_and_nothing_arrives_twice(
    journal: Journal, sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fact in full_turn():
        journal.write(fact)
    replace, full = Path.replace, [True]

    def replace_unless_full(self: Path, target: Any) -> Path:
        if full[0]:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replace_unless_full)
    failed: list[str] = []
    follow(
        journal,
        sqlite_uri,
        wait=Script(nothing, lambda: full.__setitem__(0, False), nothing),
        on_failure=lambda error: failed.append(str(error)),
    )

    assert len(failed) == 2
    assert all("cannot write there (No space left on device)" in error for error in failed)
    assert traces_in(sqlite_uri) == [hex_id("turn")]
    assert len(runs_in(sqlite_uri)) == 1
    assert ship(journal, sqlite_uri).facts_read == 0


def test_a_child_that_is_forked_meanwhile_holds_no_lock(journal: Journal, sqlite_uri: str) -> None:
    file = CheckpointFile(journal.path, sqlite_uri, sqlite_uri)
    (end, ends), (begun, begins) = os.pipe(), os.pipe()
    with file.locked():
        child = os.fork()
        if child == 0:
            os.close(ends)
            os.write(begins, b".")
            os.read(end, 1)
            os._exit(0)
        os.read(begun, 1)
    with file.locked():
        """Free, though the child still lives."""
    os.close(ends)
    os.waitpid(child, 0)
    for descriptor in (end, begun, begins):
        os.close(descriptor)
