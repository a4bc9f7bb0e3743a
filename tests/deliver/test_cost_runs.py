"""Calls become points of LLM_Cost, one a call on its own day, and totals that are the journal's own."""

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Run

from examsgraph_callbacks.deliver import ShipReport, cost_runs, ship
from examsgraph_callbacks.deliver.cost_points import call_point
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import open_destination
from examsgraph_callbacks.deliver.measured import measure_turn
from examsgraph_callbacks.deliver.turns import Turn
from examsgraph_callbacks.events import EmbeddingCall, LLMCall, RunFact
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter, PriceList, PriceOverride
from tests.deliver.factories import hex_id, llm_call
from tests.deliver.readback import found, run_of

COST = "LLM_Cost"


@pytest.fixture
def day(request: pytest.FixtureRequest, tracking_uri: str) -> datetime:
    """A day of the test's own: the server is shared, and a day's run with it."""
    number = zlib.crc32(f"{request.node.name} {tracking_uri}".encode()) % 20_000
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)


def call(name: str, at: datetime, **fields: Any) -> LLMCall:
    """A call of gpt-4o for a hard task, alone in its turn, with 1,500 tokens in and 800 out."""
    fields = {
        "requested_model": "gpt-4o",
        "served_model": "gpt-4o-2024-08-06",
        "task_type": "complex_reasoning",
        "input_tokens": 1500,
        "output_tokens": 800,
        "latency_ms": 3200.5,
        **fields,
    }
    name = f"{name} {at}"
    return llm_call(name, run_id=hex_id(name), parent_run_id=None, started_at=at, **fields)


def shipped(journal: Journal, tracking_uri: str, facts: Iterable[RunFact], **how: Any) -> ShipReport:
    for fact in facts:
        journal.write(fact)
    return ship(journal, tracking_uri, **how)


def the_run(
    tracking_uri: str, day: datetime, task: str = "complex_reasoning", model: str = "gpt-4o-2024-08-06"
) -> Run:
    return run_of(tracking_uri, COST, f"{day.date()} {task} {model}")


def points(tracking_uri: str, run: Run, name: str) -> list[tuple[datetime, float]]:
    """A series, in the order of its steps."""
    history = sorted(_history(tracking_uri, run, name), key=lambda metric: metric.step)
    return [(datetime.fromtimestamp(metric.timestamp / 1000, UTC), metric.value) for metric in history]


def _history(tracking_uri: str, run: Run, name: str) -> list[Metric]:
    return list(MlflowClient(tracking_uri=tracking_uri).get_metric_history(run.info.run_id, name))


def totals(run: Run) -> dict[str, float]:
    series = {"latency_ms", "total_tokens", "estimated_cost_usd", "estimated"}
    return {name: value for name, value in run.data.metrics.items() if name not in series}


def test_each_call_is_a_point_at_its_own_time_and_the_day_has_its_totals(
    journal: Journal, tracking_uri: str, day: datetime
) -> None:
    nine, noon = day + timedelta(hours=9), day + timedelta(hours=12, milliseconds=7)
    report = shipped(
        journal,
        tracking_uri,
        [call("noon", noon, input_tokens=100, output_tokens=10, latency_ms=900), call("nine", nine)],
    )
    assert report.view_runs[COST] == 1

    run = the_run(tracking_uri, day)
    # 2.50 USD a million in, 10.00 out
    assert points(tracking_uri, run, "estimated_cost_usd") == [(nine, 0.01175), (noon, 0.00035)]
    assert points(tracking_uri, run, "total_tokens") == [(nine, 2300), (noon, 110)]
    assert points(tracking_uri, run, "latency_ms") == [(nine, 3200.5), (noon, 900)]
    assert totals(run) == {
        "day_calls": 2,
        "day_tokens": 2410,
        "day_cost_usd": 0.0121,
        "unpriced_calls": 0,
        "estimated_calls": 0,
        "misroutes": 0,
    }
    tags = {
        "model": "gpt-4o",
        "served_model": "gpt-4o-2024-08-06",
        "task_type": "complex_reasoning",
        "day": str(day.date()),
        "misrouted": "false",
    }
    assert tags.items() <= run.data.tags.items()
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (
        day.timestamp() * 1000,
        (day + timedelta(days=1)).timestamp() * 1000,
    )


def test_there_is_a_run_a_day_model_and_task_type(journal: Journal, tracking_uri: str, day: datetime) -> None:
    last, first = day - timedelta(milliseconds=1), day
    mini = {"requested_model": "gpt-4o-mini", "served_model": "gpt-4o-mini-2024-07-18"}
    shipped(
        journal,
        tracking_uri,
        [
            call("yesterday", last),
            call("today", first),
            call("mini", first, **mini),
            call("misrouted", first, task_type="simple_greeting"),
            call("of no task", first, task_type=None),
        ],
    )
    assert totals(the_run(tracking_uri, last))["day_calls"] == 1
    assert totals(the_run(tracking_uri, first))["day_calls"] == 1
    assert totals(the_run(tracking_uri, first, model="gpt-4o-mini-2024-07-18"))["misroutes"] == 1
    misrouted = the_run(tracking_uri, first, task="simple_greeting")
    assert (misrouted.data.tags["misrouted"], totals(misrouted)["misroutes"]) == ("true", 1)
    of_no_task = the_run(tracking_uri, first, task="-")
    assert not {"task_type", "misrouted"} & of_no_task.data.tags.keys()
    assert "misroutes" not in totals(of_no_task)


def test_the_hour_of_the_day_can_be_read_from_the_axis_of_steps() -> None:
    half_past_two = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
    measured = Meter().measure(call("call", half_past_two))
    hours = call_point(measured).step / 10**12
    assert hours == pytest.approx(14.5, abs=1e-6)
    # JavaScript's numbers hold it whole
    midnight = datetime(2026, 1, 15, 23, 59, 59, 999_000, tzinfo=UTC)
    assert call_point(Meter().measure(call("call", midnight))).step < 2**53


def test_calls_of_one_moment_with_the_same_figures_stay_apart(journal: Journal, sqlite_uri: str) -> None:
    at = datetime(2026, 1, 15, 9, tzinfo=UTC)
    shipped(journal, sqlite_uri, [call(f"call {number}", at) for number in range(50)])
    run = the_run(sqlite_uri, at)
    assert len(points(sqlite_uri, run, "estimated_cost_usd")) == 50
    assert totals(run)["day_calls"] == 50


def test_a_late_call_lands_on_its_day(journal: Journal, tracking_uri: str, day: datetime) -> None:
    nine, ten = day + timedelta(hours=9), day + timedelta(hours=10)
    shipped(journal, tracking_uri, [call("ten", ten)])
    shipped(journal, tracking_uri, [call("tomorrow", day + timedelta(days=1))])
    shipped(journal, tracking_uri, [call("nine", nine)])

    run = the_run(tracking_uri, day)
    assert points(tracking_uri, run, "total_tokens") == [(nine, 2300), (ten, 2300)]
    assert totals(run) == {
        "day_calls": 2,
        "day_tokens": 4600,
        "day_cost_usd": 0.0235,
        "unpriced_calls": 0,
        "estimated_calls": 0,
        "misroutes": 0,
    }


def test_an_unpriced_call_has_no_cost_and_is_counted(
    journal: Journal, tracking_uri: str, day: datetime
) -> None:
    own = {"provider": "자체", "requested_model": "우리모델-7b", "served_model": "우리모델-7b"}
    shipped(journal, tracking_uri, [call("own", day, **own)])
    run = the_run(tracking_uri, day, model="우리모델-7b")
    assert totals(run) == {
        "day_calls": 1,
        "day_tokens": 2300,
        "unpriced_calls": 1,
        "estimated_calls": 0,
        "misroutes": 1,
    }
    assert "estimated_cost_usd" not in run.data.metrics


def test_a_failed_call_counts_under_the_model_that_was_asked_for(journal: Journal, sqlite_uri: str) -> None:
    at = datetime(2026, 1, 15, 9, tzinfo=UTC)
    unknown = {"served_model": None, "input_tokens": None, "output_tokens": None, "usage_source": None}
    failed = call("failed", at, status="error", error_type="RateLimitError", answer=None, **unknown)
    shipped(journal, sqlite_uri, [failed])
    run = the_run(sqlite_uri, at, model="gpt-4o")
    assert points(sqlite_uri, run, "latency_ms") == [(at, 3200.5)]
    assert (totals(run)["day_calls"], totals(run)["unpriced_calls"]) == (1, 1)
    assert not {"total_tokens", "estimated_cost_usd", "day_tokens"} & run.data.metrics.keys()


def test_estimates_are_flagged(journal: Journal, sqlite_uri: str) -> None:
    at = datetime(2026, 1, 15, 9, tzinfo=UTC)
    silent = {"input_tokens": None, "output_tokens": None, "usage_source": None}
    shipped(journal, sqlite_uri, [call("reported", at), call("silent", at + timedelta(hours=1), **silent)])
    run = the_run(sqlite_uri, at)
    assert points(sqlite_uri, run, "estimated") == [(at + timedelta(hours=1), 1)]
    assert (totals(run)["day_calls"], totals(run)["estimated_calls"]) == (2, 1)


def test_an_embedding_call_costs_too(journal: Journal, sqlite_uri: str) -> None:
    at = datetime(2026, 1, 15, 9, tzinfo=UTC)
    embedding = EmbeddingCall(
        event_id="e",
        run_id=hex_id("e"),
        trace_id=hex_id("e"),
        started_at=at,
        latency_ms=20,
        provider="openai",
        served_model="text-embedding-3-small",
        input_tokens=1500,
        usage_source="reported",
    )
    shipped(journal, sqlite_uri, [embedding])
    run = the_run(sqlite_uri, at, task="-", model="text-embedding-3-small")
    assert totals(run) == {
        "day_calls": 1,
        "day_tokens": 1500,
        "day_cost_usd": 0.00003,
        "unpriced_calls": 0,
        "estimated_calls": 0,
    }


def test_a_days_cost_is_the_journals_to_the_last_digit(journal: Journal, sqlite_uri: str) -> None:
    began = datetime(2026, 1, 15, tzinfo=UTC)
    calls = [
        call(str(number), began + timedelta(seconds=number), input_tokens=7 * number, output_tokens=number)
        for number in range(600)
    ]
    for some in (calls[:1], calls[1:250], calls[250:]):
        shipped(journal, sqlite_uri, some)

    run = the_run(sqlite_uri, began)
    exact = sum((Meter().measure(each).cost_usd or Decimal(0) for each in calls), Decimal(0))
    assert totals(run)["day_cost_usd"] == float(exact)
    assert totals(run)["day_tokens"] == sum(8 * number for number in range(600))
    assert sum(Decimal(repr(value)) for _, value in points(sqlite_uri, run, "estimated_cost_usd")) == exact


@pytest.mark.parametrize("prices", ["the same", "other ones"])
def test_delivering_again_adds_nothing(
    prices: str, journal: Journal, tracking_uri: str, day: datetime, tmp_path: Path
) -> None:
    calls = [call(f"{prices} {number}", day + timedelta(seconds=number)) for number in range(5)]
    shipped(journal, tracking_uri, calls)
    before = the_run(tracking_uri, day)
    dear = PriceOverride(model="*", input=Decimal(99), output=Decimal(99))
    meter = Meter(PriceList([dear]) if prices == "other ones" else None)

    shipped(Journal(tmp_path / "again"), tracking_uri, [*calls, call("new", day)], meter=meter)

    after = the_run(tracking_uri, day)
    assert after.info.run_id == before.info.run_id
    assert len(points(tracking_uri, after, "estimated_cost_usd")) == 6
    assert totals(after)["day_calls"] == 6
    cost = totals(after)["day_cost_usd"] - totals(before)["day_cost_usd"]
    assert cost == pytest.approx(0.01175 if prices == "the same" else 0.2277)


def test_two_machines_that_ship_to_one_day_end_at_the_sum(
    tracking_uri: str, day: datetime, tmp_path: Path
) -> None:
    meter = Meter()
    with open_destination(tracking_uri) as destination:
        one, other = (
            cost_runs.CostRunWriter(destination, DeadLetters(tmp_path / name, "here"))
            for name in ("one", "other")
        )
        for number in range(6):
            fact = call(str(number), day + timedelta(hours=number))
            writer = one if number % 2 else other
            writer.write([measure_turn(Turn(fact.run_id, (fact,)), meter)])
    run = the_run(tracking_uri, day)
    assert (totals(run)["day_calls"], totals(run)["day_cost_usd"]) == (6, 0.0705)


def test_a_run_that_was_deleted_stays_deleted(journal: Journal, sqlite_uri: str) -> None:
    at = datetime(2026, 1, 15, 9, tzinfo=UTC)
    shipped(journal, sqlite_uri, [call("one", at)])
    MlflowClient(tracking_uri=sqlite_uri).delete_run(the_run(sqlite_uri, at).info.run_id)
    assert shipped(journal, sqlite_uri, [call("two", at)]).view_runs[COST] == 0
    assert found(sqlite_uri, COST) == []


def test_a_day_of_many_calls_comes_in_portions(
    journal: Journal, sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost_runs, "_CALLS_A_REQUEST", 3)
    at = datetime(2026, 1, 15, 9, tzinfo=UTC)
    shipped(journal, sqlite_uri, [call(str(number), at + timedelta(minutes=number)) for number in range(8)])
    run = the_run(sqlite_uri, at)
    assert [value for _, value in points(sqlite_uri, run, "day_calls")] == [3, 6, 8]
