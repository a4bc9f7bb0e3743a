"""Facts as columns: what stands in many lines of a segment, read at once and typed once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from examsgraph_callbacks.events import AnyFact, Fact, FactKind, RunFact
from examsgraph_callbacks.journal.checks import LARGEST_COUNT, are_facts, are_objects
from examsgraph_callbacks.journal.reader import read_line
from examsgraph_callbacks.journal.whole_lines import CHUNK_BYTES, whole_lines

__all__ = ["FACT_COLUMNS", "SegmentPart", "columns_of_lines", "read_columns"]

_HOP = pa.struct(
    [
        ("node", pa.string()),
        ("relation", pa.string()),
        ("next_node", pa.string()),
        ("similarity_score", pa.float64()),
        ("edge_similarity", pa.float64()),
        ("depth", pa.int64()),
        ("verdict", pa.string()),
    ],
)
_PARAMS = pa.struct([("depth", pa.int64()), ("similarity_threshold", pa.float64()), ("max_hops", pa.int64())])
_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
)
_TEXTS = (
    "kind",
    "schema_version",
    "event_id",
    "trace_id",
    "run_id",
    "user_id",
    "session_id",
    "question_id",
    "task_type",
    "wrong_concept",
    "prompt_variant",
    "status",
    "error_type",
    "error_message",
    "provider",
    "requested_model",
    "served_model",
    "service_tier",
    "stated_cost_usd",
    "response_quality",
    "feedback_type",
    "concept",
    "resource_kind",
    "url",
    "source",
    "query",
)

FACT_COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        *((name, pa.int64()) for name in _COUNTS),
        ("cache_write_split_open", pa.bool_()),
        ("understanding_score", pa.int64()),
        ("started_at", pa.timestamp("us", "UTC")),
        ("latency_ms", pa.float64()),
        ("time_to_first_token_ms", pa.float64()),
        ("retrieval_params", _PARAMS),
        ("seeds", pa.list_(pa.struct([("node", pa.string())]))),
        ("hops", pa.list_(_HOP)),
    ],
)
"""What is read of facts, under their own names, null where a fact has no such field."""

# a time is read as text first: the parser takes one without a zone for UTC
_AS_WRITTEN = FACT_COLUMNS.set(
    FACT_COLUMNS.get_field_index("started_at"), pa.field("started_at", pa.string())
)
_RUNS = ("trace", "llm_call", "embedding_call", "retrieval", "tool_call", "exploration")

_BEGINNING = b'{"kind":"'
_LONGEST_BEGINNING = len(_BEGINNING) + max(len(kind) for kind in get_args(FactKind)) + 1
_KINDS: dict[str, type[Fact]] = {
    fact.model_fields["kind"].default: fact for fact in get_args(get_args(AnyFact)[0])
}
_OF_KINDS = {
    kind: pa.schema([field for field in _AS_WRITTEN if field.name in fact.model_fields])
    for kind, fact in _KINDS.items()
}
"""What a fact of each kind may have of them: what else a line names is not its fact's."""


@dataclass(frozen=True, slots=True)
class SegmentPart:
    """Whole lines of a segment, from byte `begin` until before `end`.

    `facts` has `FACT_COLUMNS`, and with them `line` (as it stands, with its line feed), `position` (the
    byte at which it begins) and `written_at` (when the fact was complete, or any before it in its
    segment). Of a line that cannot be read `kind` and all that it would tell are null.
    """

    segment: Path
    begin: int
    end: int
    facts: pa.Table


def read_columns(
    segment: Path, begin: int = 0, written_after: datetime | None = None, *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[SegmentPart]:
    """The facts of `segment` from byte `begin` on, part by part; a torn last line is left for later.

    `written_after` is the last `written_at` of what stands before. A fact counts if what `FACT_COLUMNS`
    names of it is right, whatever else of it may be damaged; `read_segment` looks at all of it.
    """
    latest = written_after
    for lines in whole_lines(segment, begin, chunk_bytes):
        facts = columns_of_lines(lines, begin, latest)
        if facts.num_rows:
            latest = facts["written_at"][-1].as_py()
        yield SegmentPart(segment, begin, begin + lines.size, facts)
        begin += lines.size


def columns_of_lines(
    data: bytes | pa.Buffer, begin: int = 0, written_after: datetime | None = None
) -> pa.Table:
    """The facts of whole lines, which begin at byte `begin` of their segment (see `SegmentPart`)."""
    lines, positions = _lines(data)
    facts = _with_defaults(_typed(lines))
    return (
        facts.append_column("line", lines)
        .append_column("position", pa.array(positions + begin, pa.int64()))
        .append_column("written_at", _written_at(facts, written_after))
    )


def _lines(data: bytes | pa.Buffer) -> "tuple[pa.Array, np.ndarray[Any, np.dtype[np.int64]]]":
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    every = pa.Array.from_buffers(
        pa.large_binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    filled = np.diff(offsets) > 1
    return (every if filled.all() else every.filter(pa.array(filled))), offsets[:-1][filled]


def _typed(lines: pa.Array) -> pa.Table:
    """The columns of lines, kind by kind: alike, they are read in half the time."""
    if not len(lines):
        return FACT_COLUMNS.empty_table()
    rows, parts = [], []
    for kind, of_kind in _by_kind(lines):
        rows.append(of_kind)
        parts.append(_of_kind(lines if len(of_kind) == len(lines) else lines.take(pa.array(of_kind)), kind))
    if len(parts) == 1:
        return _with_every_column(parts[0])
    place = np.empty(len(lines), np.int64)
    place[np.concatenate(rows)] = np.arange(len(lines))
    in_order = pa.array(place)
    columns = []
    for field in FACT_COLUMNS:
        if any(field.name in part.column_names for part in parts):
            chunks = [chunk for part in parts for chunk in _column(part, field).chunks]
            columns.append(pa.concat_arrays(chunks).take(in_order))
        else:
            columns.append(pa.nulls(len(lines), field.type))
    return pa.table(columns, schema=FACT_COLUMNS)


def _by_kind(lines: pa.Array) -> "Iterator[tuple[str | None, np.ndarray[Any, np.dtype[np.int64]]]]":
    """The rows of each kind that lines begin with, as those that we write do; None: they begin otherwise."""
    beginnings = pc.binary_slice(lines, 0, _LONGEST_BEGINNING).dictionary_encode()
    names = [_kind_of(beginning) for beginning in beginnings.dictionary.to_pylist()]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    codes = np.array([numbers[name] for name in names])[beginnings.indices.to_numpy()]
    for name, number in numbers.items():
        yield name, np.flatnonzero(codes == number)


def _kind_of(beginning: bytes) -> str | None:
    named = beginning.removeprefix(_BEGINNING).partition(b'"')[0].decode("ascii", "replace")
    return named if beginning.startswith(_BEGINNING) and named in _OF_KINDS else None


def _of_kind(lines: pa.Array, kind: str | None) -> pa.Table:
    """The columns that a kind has: at once, or where that fails, half by half down to the culprit."""
    facts = _at_once(lines, kind)
    if facts is not None:
        return facts
    if len(lines) == 1:
        return _one(lines[0].as_py())
    half = len(lines) // 2
    halves = [_with_every_column(_of_kind(some, kind)) for some in (lines[:half], lines[half:])]
    return pa.concat_tables(halves)


def _with_every_column(facts: pa.Table) -> pa.Table:
    return pa.table([_column(facts, field) for field in FACT_COLUMNS], schema=FACT_COLUMNS)


def _column(facts: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name in facts.column_names:
        return facts[field.name]
    return pa.chunked_array([pa.nulls(facts.num_rows, field.type)])


def _with_defaults(facts: pa.Table) -> pa.Table:
    """What a line may leave out because it goes without saying."""
    is_run = pc.is_in(facts["kind"], pa.array(_RUNS))
    is_exploration = pc.equal(facts["kind"], "exploration")
    for name, applies, default in (("status", is_run, "ok"), ("source", is_exploration, "explorer")):
        filled = pc.coalesce(facts[name], pc.if_else(applies, default, pa.scalar(None, pa.string())))
        facts = facts.set_column(facts.column_names.index(name), name, filled)
    return facts


def _at_once(lines: pa.Array, kind: str | None) -> pa.Table | None:
    """The columns of lines that are facts (of the `kind`) one and all, typed as usual; else None."""
    schema = _AS_WRITTEN if kind is None else _OF_KINDS[kind]
    offsets = np.frombuffer(lines.buffers()[1], np.int64)[lines.offset : lines.offset + len(lines) + 1]
    data = lines.buffers()[2][int(offsets[0]) : int(offsets[-1])]
    if not are_objects(lines):
        return None
    try:
        lines.cast(pa.large_string())  # raises where one is no UTF-8, which no engine would read again
        facts = arrow_json.read_json(
            pa.BufferReader(data),
            read_options=arrow_json.ReadOptions(
                block_size=max(1 << 20, int(np.diff(offsets).max()) + 2), use_threads=True
            ),
            parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
        moments = pc.cast(facts["started_at"], FACT_COLUMNS.field("started_at").type)
    except pa.ArrowInvalid:
        return None
    facts = facts.set_column(schema.get_field_index("started_at"), "started_at", moments)
    return facts if facts.num_rows == len(lines) and are_facts(facts, kind) else None


def _one(line: bytes) -> pa.Table:
    """The columns of one line by the vocabulary itself, all null where it is no fact."""
    fact = read_line(line)
    row: dict[str, object] = {} if isinstance(fact, str) else _row(fact)
    return pa.Table.from_pylist([row], schema=FACT_COLUMNS)


def _row(fact: Fact) -> dict[str, object]:
    told = fact.model_dump(mode="json", include={*FACT_COLUMNS.names})
    row = {name: _fitting(told.get(name)) for name in FACT_COLUMNS.names}
    row["started_at"] = fact.started_at.astimezone(UTC)
    if not isinstance(fact, RunFact):
        row["status"] = None
    return row


def _fitting(value: object) -> object:
    """The value without the numbers in it that find no room in a column, which nobody counted."""
    if isinstance(value, int) and abs(value) >= LARGEST_COUNT:
        return None
    if isinstance(value, dict):
        return {name: _fitting(each) for name, each in value.items()}
    return [_fitting(each) for each in value] if isinstance(value, list) else value


def _written_at(facts: pa.Table, written_after: datetime | None) -> pa.Array:
    """The running latest end, as `Journal.read` orders by; a line that is no fact is as late as the last."""
    began = facts["started_at"].cast(pa.int64()).to_numpy(zero_copy_only=False)
    known = facts["started_at"].is_valid().to_numpy(zero_copy_only=False).astype(bool)
    lasted = pc.fill_null(facts["latency_ms"], 0.0).to_numpy(zero_copy_only=False)
    ended = np.full(len(known), np.iinfo(np.int64).min, np.int64)
    ended[known] = began[known].astype(np.int64) + np.rint(lasted[known] * 1000).astype(np.int64)
    floor = _microseconds(written_after) if written_after is not None else 0
    if len(ended):
        ended[0] = max(int(ended[0]), floor)
    return pa.array(np.maximum.accumulate(ended), pa.timestamp("us", "UTC"))


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
