"""The calls of a recording in batches of columns, without making a fact of each where there are many."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, get_args

from pydantic_core import from_json

from examsgraph_callbacks.events import EmbeddingCall, Fact, FactKind, LLMCall, refuse_newer_schema
from examsgraph_callbacks.replay.reading import FactLine, Flaw, Reader
from examsgraph_callbacks.replay.recording import Recording

__all__ = ["CallBatch", "batches_of_calls"]

_SIZE = 8192  # calls: more take more memory and no less time
_KINDS = frozenset({"llm_call", "embedding_call"})
_OTHER_KINDS = frozenset(get_args(FactKind)) - _KINDS


@dataclass(frozen=True, slots=True)
class CallBatch:
    """Calls as columns, their ids, and how to get at the whole fact of one (by its row)."""

    columns: Any  # a pyarrow.Table
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
    while (some := _SomeCalls.read(islice(lines, _SIZE))) is not None:
        yield from some.batches()


class _SomeCalls:
    """The calls among some lines: those lines, and a flat list of what each says of itself.

    No object is kept for each: of so many Python's garbage collector would look through over and over, which
    took as long as all the rest.
    """

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._contents: list[bytes] = []
        self._values: list[object] = []
        self._unreadable = False
        self._reader: Reader | None = None

    @classmethod
    def read(cls, lines: Iterator[FactLine]) -> "_SomeCalls | None":
        """The calls of the lines, None where there are no more lines."""
        some = None
        for line in lines:
            some = some or cls()
            some._add(line)  # noqa: SLF001 - its own class's
        return some

    def batches(self) -> Iterator[CallBatch]:
        """One batch of all; where something in it is no call, those that are."""
        columns = None if self._unreadable else self._columns()
        if columns is None:
            # what it is, only facts can tell
            facts = (self._line(row).fact() for row in range(len(self._numbers)))
            yield from _of_facts(fact for fact in facts if fact is not None)
        else:
            yield CallBatch(columns, [str(name) for name in self._field("event_id")], self._call_at)

    def _columns(self) -> Any:
        """The calls as columns, None where something in it is no call."""
        from examsgraph_callbacks.measure import columns_of_fields

        if None in self._field("event_id"):
            return None
        for version in {str(version) for version in self._field("schema_version")}:
            refuse_newer_schema(version)
        try:
            return columns_of_fields({name: self._field(name) for name in _names()})
        except ValueError:
            return None

    def _field(self, name: str) -> list[object]:
        names = _names()
        return self._values[names.index(name) :: len(names)]

    def _add(self, line: FactLine) -> None:
        self._reader = line.reader
        try:
            fields = from_json(line.content)
            kind = fields["kind"]
        except (ValueError, KeyError, TypeError):
            fields, kind = {}, None
            self._unreadable = True
        if kind not in _OTHER_KINDS:
            self._numbers.append(line.line)
            self._contents.append(line.content)
            self._values.extend(map(fields.get, _names()))
            self._unreadable |= kind not in _KINDS

    def _line(self, row: int) -> FactLine:
        assert self._reader is not None  # noqa: S101 - it has rows
        return FactLine(self._numbers[row], self._contents[row], self._reader)

    def _call_at(self, row: int) -> LLMCall:
        return _llm_call(self._line(row).fact())


@cache
def _names() -> tuple[str, ...]:
    from examsgraph_callbacks.measure import CALL_COLUMNS

    return (*CALL_COLUMNS.names, "event_id", "schema_version")


def _llm_call(fact: Fact | None) -> LLMCall:
    if not isinstance(fact, LLMCall):
        # only those are estimated
        raise TypeError(f"expected an LLM call, found {fact!r}")
    return fact
