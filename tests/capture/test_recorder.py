"""A run that turns out to be plumbing gives way to what runs below it."""

from pathlib import Path
from uuid import UUID

from examsgraph_callbacks.capture import Clock, Recorder
from examsgraph_callbacks.events import LLMCall, RunFact, Trace
from examsgraph_callbacks.journal import Journal

TURN, OUTER, INNER = (UUID(int=number) for number in (1, 2, 3))


def begin(recorder: Recorder, fact: type[RunFact], run_id: UUID, parent: UUID | None) -> None:
    recorder.begin(fact, run_id, parent, name=None, metadata=None, tags=[], content={})


def test_below_a_turn_what_it_called_stands_below_the_turn(tmp_path: Path) -> None:
    recorder = Recorder(Journal(tmp_path), {}, Clock())
    begin(recorder, Trace, TURN, None)
    begin(recorder, LLMCall, OUTER, TURN)
    recorder.pass_through(UUID(int=9), OUTER, None)
    recorder.give_way(OUTER)
    begin(recorder, LLMCall, INNER, UUID(int=9))
    for run_id in (INNER, UUID(int=9), OUTER, TURN):
        recorder.end(run_id)
    call, turn = recorder.journal.read()
    assert isinstance(call, LLMCall)
    assert isinstance(turn, Trace)
    assert (call.run_id, call.parent_run_id, call.trace_id) == (INNER.hex, TURN.hex, TURN.hex)
    assert len(recorder) == 0


def test_at_the_top_what_it_called_is_at_the_top(tmp_path: Path) -> None:
    recorder = Recorder(Journal(tmp_path), {}, Clock())
    begin(recorder, LLMCall, OUTER, None)
    recorder.give_way(OUTER)
    begin(recorder, LLMCall, INNER, OUTER)
    recorder.end(INNER)
    recorder.end(OUTER)
    (call,) = recorder.journal.read()
    assert isinstance(call, LLMCall)
    assert (call.run_id, call.parent_run_id, call.trace_id) == (INNER.hex, None, INNER.hex)
    assert len(recorder) == 0
