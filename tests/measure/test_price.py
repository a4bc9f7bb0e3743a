"""Prices: by the call's own date, every token billed once, and no price is never 0."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import genai_prices
import pytest

from examsgraph_callbacks.measure import Price, PriceList, PriceOverride
from tests.measure.facts import llm_call

LIST = f"genai-prices {genai_prices.__version__}"


def price(prices: PriceList | None = None, /, **fields: Any) -> Price:
    call = llm_call(**fields)
    return (prices or PriceList()).price(call, call.input_tokens, call.output_tokens)


def test_cached_tokens_are_part_of_the_input_and_billed_once() -> None:
    # 800 at 2.50, 200 at 1.25 and 500 at 10 USD a million: OpenAI's gpt-4o on that day
    paid = price(
        provider="openai", served_model="gpt-4o", input_tokens=1000, cached_tokens=200, output_tokens=500
    )
    assert paid == Price(Decimal("0.00725"), price_version=LIST)


def test_cache_writes_are_part_of_the_input_and_billed_once() -> None:
    # 100 at 3, 300 at 0.30, 600 at 3.75 and 500 at 15 USD a million: Anthropic's claude-3-7-sonnet
    paid = price(
        provider="anthropic",
        served_model="claude-3-7-sonnet-20250219",
        input_tokens=1000,
        cached_tokens=300,
        cache_write_tokens=600,
        output_tokens=500,
    )
    assert paid.cost_usd == Decimal("0.01014")


def test_cache_writes_kept_for_an_hour_are_part_of_the_writes_and_billed_once() -> None:
    # 100 at 3, 300 at 0.30, 200 at 3.75, 400 at 6 and 500 at 15 USD a million: Anthropic's
    # claude-sonnet-4-5, whose prices are in tiers, and claude-3-7-sonnet, whose are the same and are not
    for model in ("claude-sonnet-4-5", "claude-3-7-sonnet-20250219"):
        paid = price(
            provider="anthropic",
            served_model=model,
            input_tokens=1000,
            cached_tokens=300,
            cache_write_tokens=600,
            cache_write_1h_tokens=400,
            output_tokens=500,
        )
        assert paid.cost_usd == Decimal("0.01104"), model


def test_cache_writes_kept_for_an_hour_are_not_billed_as_others_where_the_list_has_no_price() -> None:
    usage = {
        "provider": "openrouter",
        "served_model": "anthropic/claude-haiku-4.5",
        "input_tokens": 1000,
        "cache_write_tokens": 600,
        "output_tokens": 500,
    }
    assert price(**usage, cache_write_1h_tokens=0).cost_usd == price(**usage).cost_usd is not None
    kept = price(**usage, cache_write_1h_tokens=400)
    assert kept.cost_usd is None
    assert "without a price for cache writes kept for an hour" in str(kept.unpriced_reason)


def test_an_override_has_its_own_price_for_an_hour_or_else_that_of_other_writes() -> None:
    usage = {
        "served_model": "gpt-4o",
        "input_tokens": 1000,
        "cache_write_tokens": 600,
        "cache_write_1h_tokens": 400,
        "output_tokens": 0,
    }
    plain = {"model": "gpt-4o", "input": Decimal(1), "output": Decimal(2)}
    writes = {"cache_write": Decimal(3)}
    hours = {"cache_write_1h": Decimal(5)}
    costs = [
        price(PriceList([PriceOverride.model_validate(plain | more)]), **usage).cost_usd
        for more in ({}, writes, hours, writes | hours)
    ]
    # 1000 at 1; 400 at 1 and 600 at 3; 600 at 1 and 400 at 5; 400 at 1, 200 at 3 and 400 at 5
    assert costs == [Decimal("0.001"), Decimal("0.0022"), Decimal("0.0026"), Decimal("0.003")]


OPEN: dict[str, Any] = {
    "provider": "anthropic",
    "served_model": "claude-3-7-sonnet-20250219",
    "input_tokens": 1000,
    "cache_write_tokens": 600,
    "cache_write_split_open": True,
    "output_tokens": 500,
}


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"served_model": "claude-sonnet-4-5"},  # whose prices are in tiers
        {"provider": "openrouter", "served_model": "anthropic/claude-haiku-4.5"},  # without one for an hour
    ],
)
def test_cache_writes_that_nobody_told_apart_have_no_price_and_the_reason_says_what_to_do(
    model: dict[str, str],
) -> None:
    unknown = price(**OPEN | model)
    assert (unknown.cost_usd, unknown.price_version) == (None, None)
    assert unknown.unpriced_reason == (
        "the answer did not tell cache writes of 5 minutes from those of an hour, and "
        f"{LIST} has no one price for both: ask for one of them, or do not stream the answer"
    )


@pytest.mark.parametrize(
    "told",
    [
        {"cache_write_tokens": 0},
        {"cache_write_tokens": None},
        {"cache_write_1h_tokens": 0},
        {"cache_write_1h_tokens": 400},
        {"cache_write_split_open": False},
        {"cache_write_split_open": None},
        {"status": "cache_hit"},
    ],
)
def test_where_nothing_was_written_or_it_was_told_they_are_priced_as_ever(told: dict[str, Any]) -> None:
    ordinary = {name: value for name, value in (OPEN | told).items() if name != "cache_write_split_open"}
    assert price(**OPEN | told) == price(**ordinary)
    assert price(**ordinary).cost_usd is not None


def test_a_stated_cost_holds_whatever_was_not_told() -> None:
    assert price(**OPEN, stated_cost_usd=Decimal("0.02")).cost_usd == Decimal("0.02")
    assert PriceList().listed(llm_call(**OPEN), 1000, 500).cost_usd is None


@pytest.mark.parametrize(
    ("prices", "cost_usd"),
    [
        ({}, "0.002"),  # 1000 at 1 and 500 at 2
        ({"cache_write": 3}, "0.0032"),  # 400 at 1, 600 at 3 and 500 at 2
        ({"cache_write": 3, "cache_write_1h": 3}, "0.0032"),
        ({"cache_write_1h": 1}, "0.002"),
        ({"cache_write": 3, "cache_write_1h": 5}, None),
        ({"cache_write_1h": 5}, None),
    ],
)
def test_at_one_price_for_both_it_does_not_matter_which_they_were(
    prices: dict[str, int], cost_usd: str | None
) -> None:
    override = PriceOverride.model_validate({"model": "*", "input": 1, "output": 2, **prices})
    paid = price(PriceList([override]), **OPEN)
    assert paid.cost_usd == (None if cost_usd is None else Decimal(cost_usd))


def test_audio_is_part_of_input_and_output_and_billed_once() -> None:
    # 600 at 2.50, 400 at 32, 300 at 10 and 200 at 64 USD a million: OpenAI's gpt-audio
    paid = price(
        provider="openai",
        served_model="gpt-audio",
        input_tokens=1000,
        audio_input_tokens=400,
        output_tokens=500,
        audio_output_tokens=200,
    )
    assert paid.cost_usd == Decimal("0.0301")


@pytest.mark.parametrize("audio", ["audio_input_tokens", "audio_output_tokens"])
def test_audio_of_a_model_that_is_listed_for_text_alone_is_not_billed_as_text(audio: str) -> None:
    heard = price(
        provider="openai",
        served_model="gpt-4o-audio-preview",
        input_tokens=100,
        output_tokens=100,
        **{audio: 50},
    )
    assert heard.cost_usd is None
    assert "without a price for audio" in str(heard.unpriced_reason)


def test_where_cached_audio_has_its_own_price_and_is_not_told_apart_nothing_is_claimed() -> None:
    unclear = price(
        provider="google",
        served_model="gemini-2.5-flash",
        input_tokens=1000,
        cached_tokens=500,
        audio_input_tokens=700,
        output_tokens=10,
    )
    assert unclear.cost_usd is None
    assert "cache_audio_read_tokens" in str(unclear.unpriced_reason)


def test_reasoning_is_part_of_the_output_and_billed_once() -> None:
    usage = {"provider": "openai", "served_model": "o3-mini", "input_tokens": 10, "output_tokens": 500}
    assert price(**usage, reasoning_tokens=448) == price(**usage)


def test_the_price_is_that_of_the_day_of_the_call() -> None:
    usage = {"provider": "openai", "served_model": "o3", "input_tokens": 1_000_000, "output_tokens": 0}
    before = price(**usage, started_at=datetime(2025, 6, 9, tzinfo=UTC))
    after = price(**usage, started_at=datetime(2025, 6, 11, tzinfo=UTC))
    assert (before.cost_usd, after.cost_usd) == (Decimal(10), Decimal(2))


def test_the_day_is_the_day_in_utc() -> None:
    # o3 became cheaper on 2025-06-10; at 8 in the morning in Seoul it is still the day before in UTC
    seoul = timezone(timedelta(hours=9))
    usage = {"provider": "openai", "served_model": "o3", "input_tokens": 1_000_000, "output_tokens": 0}
    assert price(**usage, started_at=datetime(2025, 6, 10, 8, tzinfo=seoul)).cost_usd == Decimal(10)
    assert price(**usage, started_at=datetime(2025, 6, 10, 10, tzinfo=seoul)).cost_usd == Decimal(2)


def test_the_hour_counts_where_the_price_changes_within_a_day() -> None:
    prices = PriceList()
    usage = {"provider": "deepseek", "served_model": "deepseek-chat", "input_tokens": 1_000_000}
    day = datetime(2025, 4, 1, 12, tzinfo=UTC)
    by_day = price(prices, **usage, output_tokens=0, started_at=day)
    by_night = price(prices, **usage, output_tokens=0, started_at=day.replace(hour=20))
    assert (by_day.cost_usd, by_night.cost_usd) == (Decimal("0.27"), Decimal("0.135"))


def test_the_served_model_is_billed_not_the_requested_one() -> None:
    usage = {"provider": "azure", "input_tokens": 1_000_000, "output_tokens": 0}
    by_deployment = price(**usage, requested_model="tutor-east", served_model="gpt-4o-mini-2024-07-18")
    assert by_deployment.cost_usd == Decimal("0.15")


def test_the_requested_model_is_billed_where_nobody_said_what_was_served() -> None:
    usage = {"provider": "anthropic", "input_tokens": 1_000_000, "output_tokens": 0}
    paid = price(**usage, requested_model="claude-3-7-sonnet-20250219", served_model=None)
    assert paid.cost_usd == Decimal(3)


def test_a_gateway_that_serves_a_model_of_its_own_is_not_billed_as_what_was_asked_for() -> None:
    usage = {"provider": "openai", "input_tokens": 1_000_000, "output_tokens": 0}
    paid = price(**usage, requested_model="gpt-4o", served_model="our-own-llama")
    assert paid.cost_usd is None
    assert paid.unpriced_reason is not None
    assert "does not know our-own-llama" in paid.unpriced_reason


def test_without_a_provider_the_model_tells_it() -> None:
    paid = price(served_model="gpt-4o-mini", input_tokens=1_000_000, output_tokens=0)
    assert paid.cost_usd == Decimal("0.15")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"provider": "openai", "served_model": "our-own-7b"}, "does not know our-own-7b of provider openai"),
        ({"provider": "ollama", "served_model": "gpt-4o"}, "does not know gpt-4o of provider ollama"),
        ({"provider": "openai"}, "neither the served nor the requested model is known"),
        ({"provider": "github-copilot", "served_model": "gpt-4o"}, "without a price for tokens"),
    ],
)
def test_what_no_price_is_known_for_costs_none_with_the_reason(fields: dict[str, Any], reason: str) -> None:
    unpriced = price(**fields, input_tokens=15, output_tokens=30)
    assert unpriced.cost_usd is None
    assert unpriced.price_version is None
    assert unpriced.unpriced_reason is not None
    assert reason in unpriced.unpriced_reason


def test_a_failed_call_without_usage_costs_none_because_nothing_is_known_to_be_billed() -> None:
    failed = price(provider="openai", served_model="gpt-4o", status="error")
    assert failed == Price(None, "the call failed and the provider reported no usage")


def test_a_failed_call_with_usage_is_billed() -> None:
    failed = price(
        provider="openai", served_model="gpt-4o", status="error", input_tokens=1000, output_tokens=0
    )
    assert failed.cost_usd == Decimal("0.0025")


def test_a_call_of_unknown_tokens_costs_none_with_the_reason() -> None:
    unknown = price(provider="openai", served_model="gpt-4o", output_tokens=30)
    assert unknown.cost_usd is None
    assert "too little content was captured" in str(unknown.unpriced_reason)


def test_a_cache_hit_costs_exactly_nothing_whatever_it_saved() -> None:
    hit = price(provider="nobody", status="cache_hit", input_tokens=1000, output_tokens=500)
    assert hit == Price(Decimal(0))


@pytest.mark.parametrize("model", ["claude-3-7-sonnet-20250219", "claude-sonnet-4-5"])
@pytest.mark.parametrize(
    "parts",
    [
        {"cached_tokens": 15},
        {"cached_tokens": 6, "cache_write_tokens": 6},
        {"cache_write_tokens": 5, "cache_write_1h_tokens": 6},
        {"cache_write_1h_tokens": 6},
    ],
)
def test_parts_that_exceed_their_whole_are_not_priced(parts: dict[str, int], model: str) -> None:
    impossible = price(
        provider="anthropic",
        served_model=model,
        input_tokens=10,
        output_tokens=1,
        **parts,
    )
    assert impossible.cost_usd is None
    assert "cannot be priced" in str(impossible.unpriced_reason)


def test_a_tier_is_billed_at_its_own_price() -> None:
    usage = {"provider": "openai", "served_model": "gpt-5", "input_tokens": 1_000_000, "output_tokens": 0}
    later = datetime(2026, 11, 1, tzinfo=UTC)
    costs = {
        tier: price(**usage, service_tier=tier, started_at=later).cost_usd
        for tier in (None, "default", "auto", "flex", "priority")
    }
    standard = Decimal("1.25")
    assert costs == {
        None: standard,
        "default": standard,
        "auto": standard,
        "flex": standard / 2,
        "priority": standard * 2,
    }


@pytest.mark.parametrize(("provider", "year"), [("openai", 2025), ("azure", 2026)])
def test_a_tier_without_a_known_price_is_not_billed_as_the_standard_one(provider: str, year: int) -> None:
    unpriced = price(
        provider=provider,
        served_model="gpt-5",
        service_tier="priority",
        input_tokens=10,
        output_tokens=1,
        started_at=datetime(year, 11, 1, tzinfo=UTC),
    )
    assert unpriced.cost_usd is None
    assert "no price for gpt-5 on service tier priority" in str(unpriced.unpriced_reason)


def test_an_override_comes_before_the_list() -> None:
    prices = PriceList(
        [
            PriceOverride(model="gpt-4o", input=Decimal(1), output=Decimal(2), cached=Decimal("0.5")),
            PriceOverride(model="gpt-4o*", input=Decimal(7), output=Decimal(7)),
        ],
    )
    usage = {"provider": "openai", "input_tokens": 1000, "cached_tokens": 200, "output_tokens": 500}
    contract = price(prices, **usage, served_model="gpt-4o")
    assert contract == Price(Decimal("0.0019"), price_version="override")
    # without a price of their own, cached tokens are plain input
    assert price(prices, **usage, served_model="gpt-4o-2024-08-06").cost_usd == Decimal("0.0105")
    assert price(prices, **usage, served_model="gpt-4.1").price_version == LIST


def test_an_override_can_name_a_deployment_a_provider_and_a_tier() -> None:
    deployment = PriceOverride(
        model="Tutor-*",
        provider="azure",
        service_tier="priority",
        input=Decimal(4),
        output=Decimal(4),
    )
    prices = PriceList([deployment])
    usage = {
        "requested_model": "tutor-east",
        "served_model": "gpt-4o-2024-08-06",
        "input_tokens": 1_000_000,
        "output_tokens": 0,
    }
    assert price(prices, **usage, provider="Azure", service_tier="priority").price_version == "override"
    assert price(prices, **usage, provider="openai").price_version == LIST
    assert price(prices, **usage, provider="azure").price_version == LIST


def test_a_price_of_zero_that_one_states_is_zero() -> None:
    prices = PriceList([PriceOverride(model="our-own-7b", input=Decimal(0), output=Decimal(0))])
    assert price(prices, served_model="our-own-7b", input_tokens=10, output_tokens=1).cost_usd == 0
