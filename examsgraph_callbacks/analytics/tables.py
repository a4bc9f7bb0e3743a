"""The tables that questions are asked of, and how facts become their rows, measured."""

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from examsgraph_callbacks.analytics.feedback import FAILING_SCORE
from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.journal.reader import read_line
from examsgraph_callbacks.measure import CALL_COLUMNS, FIGURE_COLUMNS, Meter, measure_columns
from examsgraph_callbacks.measure.exact import COST, decimals
from examsgraph_callbacks.measure.path_columns import measure_paths

__all__ = ["TABLES", "measured_anew", "tables_of"]

_MOMENT = pa.timestamp("us")
_ABOUT = [
    ("event_id", pa.string()),
    ("started_at", _MOMENT),
    ("written_at", _MOMENT),
    ("trace_id", pa.string()),
    ("user_id", pa.string()),
    ("session_id", pa.string()),
    ("question_id", pa.string()),
]
_OF_CALLS = [field for field in CALL_COLUMNS if field.name not in FIGURE_COLUMNS.names]

TABLES: Mapping[str, pa.Schema] = {
    "calls": pa.schema(
        [
            *_ABOUT,
            *(field for field in _OF_CALLS if field.name != "started_at"),
            ("prompt_variant", pa.string()),
            ("error_type", pa.string()),
            ("error_message", pa.string()),
            ("response_quality", pa.string()),
            ("latency_ms", pa.float64()),
            ("time_to_first_token_ms", pa.float64()),
            ("saved_input_tokens", pa.int64()),
            ("saved_output_tokens", pa.int64()),
            *FIGURE_COLUMNS,
        ],
    ),
    "turns": pa.schema(
        [
            ("trace_id", pa.string()),
            ("started_at", _MOMENT),
            ("written_at", _MOMENT),
            ("user_id", pa.string()),
            ("session_id", pa.string()),
            ("question_id", pa.string()),
            ("wrong_concept", pa.string()),
        ],
    ),
    "feedback": pa.schema(
        [
            *_ABOUT,
            ("feedback_type", pa.string()),
            ("understanding_score", pa.int64()),
            ("concept", pa.string()),
            ("failed", pa.bool_()),
        ],
    ),
    "explorations": pa.schema(
        [
            *_ABOUT,
            ("wrong_concept", pa.string()),
            ("query", pa.string()),
            ("status", pa.string()),
            ("similarity_threshold", pa.float64()),
            ("path_length", pa.int64()),
            ("exploration_depth", pa.int64()),
            ("anomalous_hops", pa.int64()),
            ("position", pa.int64()),
        ],
    ),
    "hops": pa.schema(
        [
            *_ABOUT,
            ("relation", pa.string()),
            ("node", pa.string()),
            ("next_node", pa.string()),
            ("depth", pa.int64()),
            ("anomalous", pa.bool_()),
        ],
    ),
    "dead_ends": pa.schema([*_ABOUT, ("concept", pa.string()), ("has_relations", pa.bool_())]),
}
"""The tables by their names. Times are UTC, without saying so; costs are USD, exact.

`calls` are of both kinds of models, with their figures; what a cache hit saved stands in `saved_…`. A row
of `turns` is what some facts told of a turn, the latest telling last: a turn may have several. Of
`feedback`, `concept` is its own. `explorations` are all; `hops` are the followed ones, and `dead_ends` the
concepts from which nothing was, of those that ended well.
"""


def tables_of(facts: pa.Table, meter: Meter) -> dict[str, pa.Table]:
    """The rows that `facts` (as `read_columns` gives them) add to each table."""
    if not facts.num_rows:
        # of nothing, Arrow's search for places below ends the process
        return {name: schema.empty_table() for name, schema in TABLES.items()}
    lines = facts["line"]
    # lines are long, and only an estimate looks at one: they are not carried along
    rows = facts.drop_columns(["line"])
    for name in ("started_at", "written_at"):
        rows = rows.set_column(rows.column_names.index(name), name, rows[name].cast(_MOMENT))
    kind = rows["kind"]
    is_call = pc.fill_null(pc.is_in(kind, pa.array(["llm_call", "embedding_call"])), False)
    places = pc.indices_nonzero(is_call)
    return {
        "calls": _calls(_of(rows, is_call), meter, lambda row: _call(lines[places[row].as_py()].as_py())),
        "turns": _turns(rows),
        "feedback": _feedback(_of(rows, pc.equal(kind, "feedback"))),
        **_explorations(_of(rows, pc.equal(kind, "exploration"))),
    }


def _of(rows: pa.Table, wanted: pa.ChunkedArray) -> pa.Table:
    """Some rows, each column in one piece."""
    return rows.filter(wanted).combine_chunks()


def _call(line: bytes) -> LLMCall | None:
    """The whole call; None where what is damaged of it is no column (see `read_columns`)."""
    call = read_line(line)
    return call if isinstance(call, LLMCall) else None


def measured_anew(calls: pa.Table, meter: Meter) -> pa.Table:
    """The same rows of `calls` with the figures that `meter` gives them; tokens stay as they are.

    Where `calls` are older than a column, it is null.
    """
    for field in TABLES["calls"]:
        if field.name not in calls.column_names:
            calls = calls.append_column(field, pa.nulls(calls.num_rows, field.type))
    figures = measure_columns(meter, calls.select(CALL_COLUMNS.names), None)
    figures = figures.set_column(
        figures.column_names.index("estimated"), FIGURE_COLUMNS.field("estimated"), calls["estimated"]
    )
    return _with_figures(calls.drop_columns(FIGURE_COLUMNS.names), figures)


def _calls(facts: pa.Table, meter: Meter, call_at: Callable[[int], LLMCall | None]) -> pa.Table:
    stated = _stated(facts["stated_cost_usd"])
    columns = facts.set_column(facts.column_names.index("stated_cost_usd"), "stated_cost_usd", stated)
    figures = measure_columns(meter, columns.select(CALL_COLUMNS.names), call_at)
    is_hit = pc.equal(facts["status"], "cache_hit")
    columns = columns.append_column(
        "saved_input_tokens", pc.if_else(is_hit, facts["input_tokens"], None)
    ).append_column("saved_output_tokens", pc.if_else(is_hit, facts["output_tokens"], None))
    return _with_figures(columns, figures)


def _with_figures(calls: pa.Table, figures: pa.Table) -> pa.Table:
    columns = {
        name: figures[name] if name in FIGURE_COLUMNS.names else calls[name] for name in TABLES["calls"].names
    }
    return pa.table(columns, schema=TABLES["calls"])


def _stated(column: pa.ChunkedArray) -> pa.Array:
    """Decimals as they stand in JSON, in whatever notation."""
    return decimals(column) if column.null_count < len(column) else pa.nulls(len(column), COST)


def _turns(facts: pa.Table) -> pa.Table:
    """What each turn's facts told, the latest telling last."""
    named = ["trace_id", "started_at", "written_at", "user_id", "session_id", "question_id", "wrong_concept"]
    of_turn = pc.and_(facts["trace_id"].is_valid(), pc.not_equal(facts["kind"], "feedback"))
    told = facts.select(named).filter(of_turn)
    lasts = ["user_id", "session_id", "question_id", "wrong_concept"]
    grouped = told.group_by("trace_id", use_threads=False).aggregate(
        [("started_at", "min"), ("written_at", "max"), *((name, "last") for name in lasts)]
    )
    ends = {"trace_id": "", "started_at": "_min", "written_at": "_max", **dict.fromkeys(lasts, "_last")}
    columns = {name: grouped[f"{name}{ends[name]}"] for name in TABLES["turns"].names}
    return pa.table(columns, schema=TABLES["turns"])


def _feedback(facts: pa.Table) -> pa.Table:
    poor = pc.fill_null(pc.less_equal(facts["understanding_score"], FAILING_SCORE), False)
    named = {
        "concept": pc.coalesce(_filled(facts["concept"]), _filled(facts["wrong_concept"])),
        "failed": pc.or_(pc.equal(facts["feedback_type"], "thumbs_down"), poor),
    }
    columns = {
        name: named.get(name, facts[name] if name in facts.column_names else None)
        for name in TABLES["feedback"].names
    }
    return pa.table(columns, schema=TABLES["feedback"])


def _filled(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _explorations(facts: pa.Table) -> dict[str, pa.Table]:
    measured = measure_paths(facts)
    columns = {name: facts[name] for name in facts.column_names if name in TABLES["explorations"].names}
    columns |= {name: measured.paths[name] for name in measured.paths.column_names}
    ended_well = pc.not_equal(facts["status"], "error")
    tables = {"explorations": columns}
    for name, parts in (("hops", measured.hops), ("dead_ends", measured.dead_ends)):
        of_well = parts.filter(ended_well.take(parts["exploration"]))
        tables[name] = {each: facts[each].take(of_well["exploration"]) for each, _ in _ABOUT}
        tables[name] |= {each: of_well[each] for each in of_well.column_names if each != "exploration"}
    return {
        name: pa.table({column: each[column] for column in TABLES[name].names}, schema=TABLES[name])
        for name, each in tables.items()
    }
