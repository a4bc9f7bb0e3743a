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

from examsgraph_callbacks.events import Fact, FactKind, FeedbackType, RunFact, Status, Verdict
from examsgraph_callbacks.journal.reader import read_line

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
_CHUNK_BYTES = 32 * 1024 * 1024
_RUNS = ("trace", "llm_call", "embedding_call", "retrieval", "tool_call", "exploration")
_PLAIN_VERSION = "^1(\\.|$)"

# what lies beyond is looked at by itself, by the vocabulary: it may have no place in a column
_LARGEST_COUNT = 2**62
_LONGEST_MS = 1e12
_PLAIN_COST = r"^\d{1,19}(\.\d{1,18})?$"
_USUAL_TIMES = (
    pa.scalar(datetime(1970, 1, 1, tzinfo=UTC), pa.timestamp("us", "UTC")),
    pa.scalar(datetime(2900, 1, 1, tzinfo=UTC), pa.timestamp("us", "UTC")),
)


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
    segment: Path, begin: int = 0, written_after: datetime | None = None, *, chunk_bytes: int = _CHUNK_BYTES
) -> Iterator[SegmentPart]:
    """The facts of `segment` from byte `begin` on, part by part; a torn last line is left for later.

    `written_after` is the last `written_at` of what stands before. A fact counts if what `FACT_COLUMNS`
    names of it is right, whatever else of it may be damaged; `read_segment` looks at all of it.
    """
    latest = written_after
    with segment.open("rb") as file:
        file.seek(begin)
        rest = b""
        while True:
            block = file.read(chunk_bytes)
            data = rest + block
            whole = data.rfind(b"\n") + 1
            if whole:
                facts = columns_of_lines(data[:whole], begin, latest)
                if facts.num_rows:
                    latest = facts["written_at"][-1].as_py()
                yield SegmentPart(segment, begin, begin + whole, facts)
                begin += whole
            rest = data[whole:]
            if not block:
                return


def columns_of_lines(data: bytes, begin: int = 0, written_after: datetime | None = None) -> pa.Table:
    """The facts of whole lines, which begin at byte `begin` of their segment (see `SegmentPart`)."""
    lines, positions = _lines(data)
    facts = _with_defaults(_typed(lines))
    return facts.append_column("position", pa.array(positions + begin, pa.int64())).append_column(
        "written_at", _written_at(facts, written_after)
    )


def _lines(data: bytes) -> "tuple[pa.Array, np.ndarray[Any, np.dtype[np.int64]]]":
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    every = pa.Array.from_buffers(
        pa.large_binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    filled = np.diff(offsets) > 1
    return (every if filled.all() else every.filter(pa.array(filled))), offsets[:-1][filled]


def _typed(lines: pa.Array) -> pa.Table:
    """The lines with their columns: at once, or where that fails, half by half down to the culprit."""
    if not len(lines):
        return _with_lines(FACT_COLUMNS.empty_table(), lines)
    facts = _at_once(lines)
    if facts is not None:
        return _with_lines(facts, lines)
    if len(lines) == 1:
        return _with_lines(_one(lines[0].as_py()), lines)
    half = len(lines) // 2
    return pa.concat_tables([_typed(lines[:half]), _typed(lines[half:])])


def _with_defaults(facts: pa.Table) -> pa.Table:
    """What a line may leave out because it goes without saying."""
    is_run = pc.is_in(facts["kind"], pa.array(_RUNS))
    is_exploration = pc.equal(facts["kind"], "exploration")
    for name, applies, default in (("status", is_run, "ok"), ("source", is_exploration, "explorer")):
        filled = pc.coalesce(facts[name], pc.if_else(applies, default, pa.scalar(None, pa.string())))
        facts = facts.set_column(facts.column_names.index(name), name, filled)
    return facts


def _with_lines(facts: pa.Table, lines: pa.Array) -> pa.Table:
    return facts.append_column("line", lines)


def _at_once(lines: pa.Array) -> pa.Table | None:
    """The columns of lines that are facts one and all; None where one is not, or is not typed as usual."""
    offsets = np.frombuffer(lines.buffers()[1], np.int64)[lines.offset : lines.offset + len(lines) + 1]
    data = lines.buffers()[2][int(offsets[0]) : int(offsets[-1])]
    if not _are_objects(data, offsets - offsets[0]):
        return None
    try:
        lines.cast(pa.large_string())  # raises where one is no UTF-8, which no engine would read again
        facts = arrow_json.read_json(
            pa.BufferReader(data),
            read_options=arrow_json.ReadOptions(
                block_size=max(1 << 20, int(np.diff(offsets).max()) + 2), use_threads=True
            ),
            parse_options=arrow_json.ParseOptions(
                explicit_schema=_AS_WRITTEN, unexpected_field_behavior="ignore"
            ),
        )
        moments = pc.cast(facts["started_at"], FACT_COLUMNS.field("started_at").type)
    except pa.ArrowInvalid:
        return None
    facts = facts.set_column(FACT_COLUMNS.names.index("started_at"), "started_at", moments)
    return facts if facts.num_rows == len(lines) and _are_facts(facts) else None


def _are_objects(data: pa.Buffer, offsets: "np.ndarray[Any, np.dtype[np.int64]]") -> bool:
    """Whether each line is from brace to brace: a `null` that stands for itself ends Arrow's process."""
    characters = np.frombuffer(data, np.uint8)
    begin, end = characters[offsets[:-1]], characters[offsets[1:] - 2]
    return bool((begin == ord("{")).all() and (end == ord("}")).all()) and b"}null" not in data.to_pybytes()


def _are_facts(facts: pa.Table) -> bool:
    """Whether each row is what the vocabulary says of its kind."""
    kind = facts["kind"]
    is_run = pc.is_in(kind, pa.array(_RUNS))
    is_feedback = pc.equal(kind, "feedback")
    is_resource = pc.equal(kind, "concept_resource")
    has_run = pc.and_(facts["run_id"].is_valid(), facts["latency_ms"].is_valid())
    has_resource = pc.and_(facts["url"].is_valid(), facts["concept"].is_valid())
    checks = [
        pc.is_in(kind, pa.array(get_args(FactKind))),
        facts["event_id"].is_valid(),
        facts["started_at"].is_valid(),
        pc.match_substring_regex(facts["schema_version"], _PLAIN_VERSION),
        pc.or_(pc.invert(is_run), has_run),
        pc.or_(pc.invert(is_resource), has_resource),
        pc.is_in(facts["status"], pa.array([None, *get_args(Status)])),
        pc.is_in(facts["feedback_type"], pa.array([None, *get_args(FeedbackType)])),
        pc.or_(pc.invert(is_feedback), facts["feedback_type"].is_valid()),
        pc.and_(
            pc.greater_equal(facts["understanding_score"], 1), pc.less_equal(facts["understanding_score"], 5)
        ),
        *(pc.greater_equal(facts[name], 0) for name in _COUNTS),
        *(pc.less(facts[name], _LARGEST_COUNT) for name in _COUNTS),
        pc.less_equal(pc.abs(facts["latency_ms"]), _LONGEST_MS),
        pc.greater_equal(facts["started_at"], _USUAL_TIMES[0]),
        pc.less(facts["started_at"], _USUAL_TIMES[1]),
        pc.match_substring_regex(facts["stated_cost_usd"], _PLAIN_COST),
    ]
    hops = pc.list_flatten(facts["hops"])
    if len(hops):
        verdicts = pc.struct_field(hops, "verdict")
        checks += [pc.struct_field(hops, name).is_valid() for name in ("node", "relation", "next_node")]
        checks += [
            pc.is_in(verdicts, pa.array([None, *get_args(Verdict)])),
            pc.greater_equal(pc.struct_field(hops, "depth"), 1),
        ]
    # null passes: what must be there is asked for by itself
    return all(pc.all(check, skip_nulls=True, min_count=0).as_py() for check in checks)


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
    if isinstance(value, int) and abs(value) >= _LARGEST_COUNT:
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
