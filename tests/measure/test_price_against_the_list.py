"""Prices against genai-prices itself, for every model of its list and for real recorded answers."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product

import genai_prices
from genai_prices.data import providers
from genai_prices.types import ModelInfo, StartDateConstraint

from examsgraph_callbacks.events import LLMCall
from examsgraph_callbacks.measure import Meter, PriceList
from tests.measure.facts import NEW_YEAR, llm_call, show
from tests.measure.recorded import recorded_call, recordings

FLAVORS = {"chat": "chat", "completions": "chat", "responses": "responses", "messages": "default"}


def listed_calls() -> Iterator[LLMCall]:
    """For every model of the list: a call with cached tokens on each day on which its price changed."""
    for provider in providers:
        for model in provider.models:
            for day in days_of_change(model):
                # below and above the thresholds of tiered prices
                for input_tokens, for_an_hour in product((1234, 2_345_678), (None, 45)):
                    yield llm_call(
                        started_at=datetime(day.year, day.month, day.day, 3, tzinfo=UTC),
                        provider=provider.id,
                        served_model=model.id,
                        input_tokens=input_tokens,
                        cached_tokens=321,
                        cache_write_tokens=123,
                        cache_write_1h_tokens=for_an_hour,
                        output_tokens=777,
                        reasoning_tokens=77,
                    )


def days_of_change(model: ModelInfo) -> list[date]:
    conditions = model.prices if isinstance(model.prices, list) else []
    changes = {
        condition.constraint.start_date
        for condition in conditions
        if isinstance(condition.constraint, StartDateConstraint)
    }
    return sorted(changes | {NEW_YEAR.date()})


def straight_from_the_list(call: LLMCall) -> Decimal:
    usage = genai_prices.Usage(
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cache_read_tokens=call.cached_tokens,
        cache_write_tokens=call.cache_write_tokens,
        cache_write_1h_tokens=call.cache_write_1h_tokens,
        output_reasoning_tokens=call.reasoning_tokens,
    )
    assert call.served_model is not None
    return genai_prices.calc_price(
        usage,
        call.served_model,
        provider_id=call.provider,
        genai_request_timestamp=call.started_at,
    ).total_price


def test_no_digit_of_the_list_changes_for_any_model_on_any_day() -> None:
    prices = PriceList()
    compared = 0
    for call in listed_calls():
        paid = prices.price(call, call.input_tokens, call.output_tokens)
        if paid.cost_usd is None:
            continue
        assert paid.cost_usd == straight_from_the_list(call), (call.provider, call.served_model)
        compared += 1
    show(f"{compared} prices equal to the list's own")
    assert compared > 3000


def test_recorded_answers_cost_what_genai_prices_makes_of_the_raw_answers() -> None:
    meter = Meter()
    ours, theirs, unpriced = Decimal(0), Decimal(0), []
    every = recordings(*FLAVORS)
    for recording in every:
        call = recorded_call(recording, reported=True)
        measured = meter.measure(call)
        if measured.cost_usd is None:
            unpriced.append(str(measured.unpriced_reason))
            continue
        # facts do not count the searches that a provider runs itself
        usage = {key: count for key, count in recording["usage"].items() if key != "server_tool_use"}
        extracted = genai_prices.extract_usage(
            {"model": recording["response_model"], "usage": usage},
            provider_id=recording["provider"],
            api_flavor=FLAVORS[recording["api"]],
        )
        theirs_here = extracted.calc_price(genai_request_timestamp=call.started_at).total_price
        assert measured.cost_usd == theirs_here, recording["id"]
        ours += measured.cost_usd
        theirs += theirs_here
    show(f"{len(every)} recorded answers, {len(unpriced)} unpriced, {ours} USD, by the list {theirs} USD")
    assert ours == theirs > 0
    # the list dates the prices of these tiers from 2026-10-12 on, which is after they were recorded,
    # does not know what served davinci-002, and has no price for the audio of these models
    kinds = {"on service tier": "tier", "without a price for audio": "audio"}
    by_reason = Counter(
        next((kind for words, kind in kinds.items() if words in reason), reason) for reason in unpriced
    )
    assert by_reason == {
        "tier": 4,
        "audio": 4,
        "genai-prices 0.2.3 does not know davinci:2023-07-21-v2 of provider openai": 13,
    }
