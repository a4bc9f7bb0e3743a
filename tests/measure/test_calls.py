"""Measured calls: the fact with its figures, the same each time."""

import time
from decimal import Decimal

import pytest

from examsgraph_callbacks.events import LLMCall, Message, Request
from examsgraph_callbacks.measure import MeasuredCall, Meter, PriceList, PriceOverride, RoutingPolicy
from tests.measure.facts import llm_call, show


def reasoning_call() -> LLMCall:
    return llm_call(
        provider="openai",
        requested_model="gpt-4o",
        served_model="gpt-4o-2024-08-06",
        task_type="complex_reasoning",
        input_tokens=1500,
        output_tokens=800,
        usage_source="reported",
    )


def test_a_reported_call_is_measured_whole() -> None:
    call = reasoning_call()
    measured = Meter().measure(call)
    assert measured == MeasuredCall(
        call=call,
        input_tokens=1500,
        output_tokens=800,
        total_tokens=2300,
        estimated=False,
        cost_usd=Decimal("0.01175"),
        unpriced_reason=None,
        price_version=measured.price_version,
        listed_usd=None,
        route=("complex_reasoning", "gpt-4o-2024-08-06"),
        misrouted=False,
    )
    assert str(measured.price_version).startswith("genai-prices ")


def test_the_same_fact_under_other_prices_and_another_policy_gives_other_figures() -> None:
    contract = PriceOverride(model="gpt-4o*", input=Decimal(1), output=Decimal(1))
    policy = RoutingPolicy({"complex_reasoning": ("o3",)})
    measured = Meter(PriceList([contract]), policy).measure(reasoning_call())
    assert (measured.cost_usd, measured.price_version) == (Decimal("0.0023"), "override")
    assert measured.misrouted is True


def test_an_estimated_call_is_priced_and_stays_marked_as_estimated() -> None:
    call = llm_call(
        provider="openai",
        served_model="gpt-4o-2024-08-06",
        request=Request(messages=(Message(role="user", content="What is the capital of France?"),)),
        answer=(Message(role="assistant", content="The capital of France is **Paris**."),),
    )
    measured = Meter().measure(call)
    assert (measured.input_tokens, measured.output_tokens, measured.total_tokens) == (14, 9, 23)
    assert measured.estimated
    # 14 at 2.50 and 9 at 10 USD a million
    assert measured.cost_usd == Decimal("0.000125")


def test_a_call_of_which_nothing_is_known_claims_nothing() -> None:
    measured = Meter().measure(llm_call())
    assert (measured.input_tokens, measured.output_tokens, measured.total_tokens) == (None, None, None)
    assert measured.cost_usd is None
    assert measured.unpriced_reason
    assert measured.route == (None, None)
    assert measured.misrouted is None


def test_a_cache_hit_is_free_and_what_it_saved_stays_on_the_fact() -> None:
    hit = reasoning_call().model_copy(update={"status": "cache_hit", "usage_source": "cache_hit"})
    measured = Meter().measure(hit)
    assert measured.total_tokens == 0
    assert measured.cost_usd == Decimal(0)
    assert measured.unpriced_reason is None
    assert measured.call.input_tokens == 1500


def test_where_the_served_model_is_unknown_the_requested_one_is_judged() -> None:
    failed = reasoning_call().model_copy(update={"served_model": None, "requested_model": "gpt-4o-mini"})
    measured = Meter().measure(failed)
    assert measured.route == ("complex_reasoning", None)
    assert measured.misrouted is True


def test_a_measure_taken_again_is_the_same() -> None:
    meter = Meter()
    assert (
        meter.measure(reasoning_call())
        == meter.measure(reasoning_call())
        == Meter().measure(reasoning_call())
    )


@pytest.mark.benchmark
def test_measuring_a_reported_call_takes_microseconds() -> None:
    meter = Meter()
    call = reasoning_call()
    meter.measure(call)
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(10_000):
            meter.measure(call)
        best = min(best, (time.perf_counter() - started) / 10_000)
    show(f"measure: {best * 1e6:.1f} µs a reported call whose price is remembered")
    assert best < 15e-6


@pytest.mark.parametrize(
    ("stated", "otherwise"),
    [("0.05", True), ("0.01175", False), ("0.0123375", False), ("0.0123376", True), ("0.0111625", False),
     ("0.0111624", True), ("0", True)],
)  # fmt: skip
def test_a_stated_cost_is_used_and_stands_beside_the_list_price(stated: str, otherwise: bool) -> None:
    # 1,500 x 2.50 + 800 x 10.00 USD a million: 5% of it is 0.0005875
    measured = Meter().measure(
        llm_call(served_model="gpt-4o", input_tokens=1500, output_tokens=800, stated_cost_usd=stated)
    )
    assert measured.cost_usd == Decimal(stated)
    assert measured.listed_usd == Decimal("0.01175")
    assert measured.is_stated_otherwise is otherwise
    assert measured.price_version == "stated by the caller"


def test_a_stated_cost_of_an_unlisted_model_has_nothing_to_differ_from() -> None:
    measured = Meter().measure(
        llm_call(served_model="우리모델-7b", input_tokens=15, output_tokens=30, stated_cost_usd="0.1")
    )
    assert (measured.cost_usd, measured.listed_usd) == (Decimal("0.1"), None)
    assert not measured.is_stated_otherwise
    assert measured.unpriced_reason is None
