"""Percentiles from counts: to the millisecond, and in memory that does not grow with the calls."""

import math
from collections.abc import Callable
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import pyarrow as pa
import pytest
import sqlglot

from examsgraph_callbacks.analytics.questions import costs, performance, routes, variants
from examsgraph_callbacks.analytics.questions.ranks import in_order, percentile, whole
from examsgraph_callbacks.analytics.sources import Tables
from examsgraph_callbacks.analytics.tables import TABLES

PERCENTS = (1, 50, 95, 99, 100)


def ranked(values: list[float]) -> list[float]:
    table = ibis.memtable(pa.table({"model": ["a"] * len(values), "value": values}))
    counted = table.group_by("model", whole=whole(table.value)).aggregate(
        here=table.count(), greatest=table.value.max()
    )
    ordered = in_order(counted, ["model"])
    found = ordered.aggregate(**{str(percent): percentile(ordered, percent) for percent in PERCENTS})
    (row,) = ibis.duckdb.connect().to_pyarrow(found).to_pylist()
    return [row[str(percent)] for percent in PERCENTS]


def nearest(values: list[float]) -> list[float]:
    in_turn = sorted(values)
    return [in_turn[math.ceil(len(values) * percent / 100) - 1] for percent in PERCENTS]


@pytest.mark.parametrize("seed", range(5))
def test_a_percentile_is_less_than_a_millisecond_above_the_nearest_rank_and_occurred(seed: int) -> None:
    values = np.random.default_rng(seed).lognormal(5, 1, 5000).tolist()
    for found, exact in zip(ranked(values), nearest(values), strict=True):
        assert exact <= found < exact + 1
        assert found in values


@pytest.mark.parametrize("size", [1, 2, 19, 20, 21, 100, 101])
def test_of_values_in_milliseconds_of_their_own_it_is_the_nearest_rank(size: int) -> None:
    values = [number + 0.25 for number in np.random.default_rng(size).permutation(3 * size)[:size].tolist()]
    assert ranked(values) == nearest(values)


def tables() -> Tables:
    return Tables(**{name: ibis.table(ibis.Schema.from_pyarrow(TABLES[name]), name=name) for name in TABLES})


@pytest.mark.parametrize(
    "question",
    [
        performance.models,
        performance.cache_use,
        routes.routes,
        routes.qualities,
        variants.variants,
        lambda tables: costs.monthly_costs(tables, ZoneInfo("Asia/Seoul")),
        lambda tables: costs.cost_by_hour(tables, ZoneInfo("Asia/Seoul")),
    ],
)
def test_no_question_names_calls_twice_that_it_has_not_counted(
    question: Callable[[Tables], ibis.Table],
) -> None:
    """DuckDB keeps in memory, row by row, what stands in a `WITH`."""
    query = sqlglot.parse_one(str(ibis.to_sql(question(tables()), dialect="duckdb")), dialect="duckdb")
    for named in query.find_all(sqlglot.exp.CTE):
        for read in named.find_all(sqlglot.exp.Table):
            assert read.name != "calls" or _is_counted(read, named), named.sql()


def _is_counted(read: sqlglot.exp.Expr, within: sqlglot.exp.Expr) -> bool:
    while read is not within and read.parent is not None:
        if read.args.get("group"):
            return True
        read = read.parent
    return False
