"""The calls of a recording in batches of columns, without making a fact of each where there are many."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from pydantic_core import from_json

from examsgraph_callbacks.events import EmbeddingCall, Fact, LLMCall, refuse_newer_schema
from examsgraph_callbacks.replay.reading import FactLine, Flaw
from examsgraph_callbacks.replay.recording import Recording

if TYPE_CHECKING:
    from pyarrow import Table

__all__ = ["CallBatch", "batches_of_calls"]

_SIZE = 8192  # calls: more take more memory and no less time
_KINDS = frozenset({"llm_call", "embedding_call"})


@dataclass(frozen=True, slots=True)
class CallBatch:
    """Calls as columns, their ids, and how to get at the whole fact of one (by its row)."""

    columns: "Table"
    event_ids: Sequence[str]
    call_at: Callable[[int], LLMCall]


def batches_of_calls(
    facts: Iterable[Fact] | Recording, on_flaw: Callable[[Flaw], None]
) -> Iterator[CallBatch]:
    """All LLM and embedding calls, in order; what of a recording cannot be read is told to `on_flaw`."""
    if not isinstance(facts, Recording):
        return _of_facts(facts)
    return _of_facts(facts.facts(on_flaw)) if facts.is_journal else _of_lines(facts.fact_lines(on_flaw))


def _of_facts(facts: Iterable[Fact]) -> Iterator[CallBatch]:
    calls = (fact for fact in facts if isinstance(fact, LLMCall | EmbeddingCall))
    while batch := list(islice(calls, _SIZE)):
        yield _of_calls(batch)


def _of_calls(calls: Sequence[LLMCall | EmbeddingCall]) -> CallBatch:
    from examsgraph_callbacks.measure import columns_of_calls

    event_ids = [call.event_id for call in calls]
    return CallBatch(columns_of_calls(calls), event_ids, lambda row: _llm_call(calls[row]))


def _of_lines(lines: Iterator[FactLine]) -> Iterator[CallBatch]:
    while batch := list(islice(lines, _SIZE)):
        yield from _of_some_lines(batch)


def _of_some_lines(lines: Sequence[FactLine]) -> Iterator[CallBatch]:
    from examsgraph_callbacks.measure import columns_of_fields

    try:
        read = [(line, from_json(line.content)) for line in lines]
        calls = [(line, fields) for line, fields in read if fields["kind"] in _KINDS]
        if not calls:
            return
        _refuse_newer_schemas(fields for _, fields in calls)
        columns = columns_of_fields([fields for _, fields in calls])
        event_ids = [str(fields["event_id"]) for _, fields in calls]
    except (ValueError, KeyError, TypeError):
        # something in it is no call: which, only facts can tell
        facts = (line.fact() for line in lines)
        yield from _of_facts(fact for fact in facts if fact is not None)
    else:
        yield CallBatch(columns, event_ids, lambda row: _llm_call(calls[row][0].fact()))


def _refuse_newer_schemas(calls: Iterable[Mapping[str, object]]) -> None:
    for version in {str(fields["schema_version"]) for fields in calls}:
        refuse_newer_schema(version)


def _llm_call(fact: Fact | None) -> LLMCall:
    if not isinstance(fact, LLMCall):
        # only those are estimated
        raise TypeError(f"expected an LLM call, found {fact!r}")
    return fact
