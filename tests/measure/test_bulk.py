"""Many calls at once: the same figures, to the last digit, as one by one."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examsgraph_callbacks.events import EmbeddingCall, LLMCall
from examsgraph_callbacks.measure import (
    Meter,
    PriceList,
    PriceOverride,
    RoutingPolicy,
    columns_of_calls,
    measure_columns,
)
from tests.measure.facts import embedding_call, llm_call, show
from tests.measure.recorded import recorded_call, recorded_embedding, recordings

EXACT = Decimal(1).scaleb(-18)
METER = Meter()
CONTRACT = Meter(
    PriceList(
        [
            PriceOverride(
                model="tutor-*", input=Decimal("2.0000001"), output=Decimal("8.05"), cached=Decimal(0)
            ),
            PriceOverride(model="gpt-4o", input=Decimal("1e-13"), output=Decimal(3)),
            PriceOverride(model="o3", input=Decimal("1e13"), output=Decimal(1)),
            PriceOverride(model="gpt-5", input=Decimal(1), output=Decimal(2), cache_write_1h=Decimal("2.2")),
        ]
    ),
    RoutingPolicy({"simple_greeting": ("gpt-4o-mini", "gpt-4.1"), "drill": ()}),
)

Call = LLMCall | EmbeddingCall


def in_bulk(calls: list[Call], meter: Meter) -> list[tuple[object, ...]]:
    def call_at(row: int) -> LLMCall:
        call = calls[row]
        assert isinstance(call, LLMCall)
        return call

    figures = measure_columns(meter, columns_of_calls(calls), call_at).drop_columns(["allowed_cost_usd"])
    return [tuple(row.values()) for row in figures.to_pylist()]


def one_by_one(calls: list[Call], meter: Meter) -> list[tuple[object, ...]]:
    def kept(figure: object) -> object:
        return figure.quantize(EXACT, context=Context(prec=38)) if isinstance(figure, Decimal) else figure

    return [tuple(map(kept, _figures(call, meter))) for call in calls]


def _figures(call: Call, meter: Meter) -> tuple[object, ...]:
    if isinstance(call, EmbeddingCall):
        of_texts = meter.measure(call)
        paid = of_texts.cost_usd, of_texts.unpriced_reason, of_texts.price_version
        return (of_texts.input_tokens, None, None, False, *paid, None, None)
    measured = meter.measure(call)
    return (
        measured.input_tokens,
        measured.output_tokens,
        measured.total_tokens,
        measured.estimated,
        measured.cost_usd,
        measured.unpriced_reason,
        measured.price_version,
        measured.listed_usd,
        measured.misrouted,
    )


models = st.sampled_from(
    [
        None,
        "gpt-4o",
        "gpt-4o-2024-08-06",
        "gpt-4o-mini",
        "o3",
        "gpt-5",
        "tutor-east",
        "our-own-7b",
        "gpt-audio",
        "gpt-4o-audio-preview",
        "gemini-2.5-pro",
        "gemini-2.5-flash",
        "claude-3-7-sonnet-20250219",
        "claude-sonnet-4-5",
        "claude-haiku-4-5",
        "deepseek-chat",
        "text-embedding-3-small",
    ]
)
tokens = st.one_of(st.none(), st.integers(0, 20), st.integers(0, 2_000_000), st.just(2**40))
moments = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
statuses = st.sampled_from(["ok", "ok", "ok", "error", "partial", "cache_hit"])
providers = st.sampled_from([None, "openai", "azure", "anthropic", "google", "deepseek", "school"])

llm_calls = st.builds(
    llm_call,
    started_at=moments,
    provider=providers,
    requested_model=models,
    served_model=models,
    service_tier=st.sampled_from([None, "default", "flex", "priority"]),
    task_type=st.sampled_from([None, "simple_greeting", "complex_reasoning", "drill", "other"]),
    status=statuses,
    input_tokens=tokens,
    output_tokens=tokens,
    cached_tokens=tokens,
    cache_write_tokens=tokens,
    cache_write_1h_tokens=st.one_of(st.none(), tokens),
    cache_write_split_open=st.sampled_from([None, None, True, False]),
    reasoning_tokens=tokens,
    audio_input_tokens=tokens,
    audio_output_tokens=tokens,
    stated_cost_usd=st.one_of(st.none(), st.none(), st.decimals(0, 100, places=7)),
)
embedding_calls = st.builds(
    embedding_call,
    started_at=moments,
    provider=providers,
    requested_model=models,
    served_model=models,
    status=statuses,
    input_tokens=tokens,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(llm_calls, llm_calls, embedding_calls), max_size=40))
@pytest.mark.parametrize("meter", [METER, CONTRACT], ids=["list", "contract"])
def test_any_calls_have_the_figures_that_each_has_by_itself(meter: Meter, calls: list[Call]) -> None:
    assert in_bulk(calls, meter) == one_by_one(calls, meter)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3000), min_size=4, max_size=4),
    models,
    providers,
    st.sampled_from([{}, {"cache_write_1h_tokens": None}]),
    st.booleans(),
)
def test_cache_writes_of_either_lifetime_have_them_too(
    counts: list[int], model: str | None, provider: str | None, untold: dict[str, None], is_open: bool
) -> None:
    for_an_hour, written, read, plain = counts
    told = {
        "provider": provider,
        "served_model": model,
        "input_tokens": plain + read + written + for_an_hour,
        "cached_tokens": read,
        "cache_write_tokens": written + for_an_hour,
        "cache_write_1h_tokens": for_an_hour,
        "cache_write_split_open": is_open,
        "output_tokens": plain,
    }
    call = llm_call(**told | untold)
    for meter in (METER, CONTRACT):
        assert in_bulk([call, call], meter) == one_by_one([call, call], meter)


usd = st.one_of(
    st.decimals(0, 1000, places=4), st.sampled_from([*map(Decimal, ("1E+3", "0E-5", "1E-20", "1E13"))])
)
overrides = st.builds(
    PriceOverride,
    model=st.sampled_from(["tutor-*", "*", "gpt-4o", "GPT-*"]),
    provider=st.sampled_from([None, "openai", "Azure"]),
    service_tier=st.sampled_from([None, "flex"]),
    input=usd,
    output=usd,
    cached=st.one_of(st.none(), usd),
    cache_write=st.one_of(st.none(), usd),
    cache_write_1h=st.one_of(st.none(), usd),
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(overrides, min_size=1, max_size=3), st.lists(st.one_of(llm_calls, embedding_calls), max_size=20)
)
def test_so_they_have_under_any_contract_and_a_cost_or_a_reason_that_there_is_none(
    contract: list[PriceOverride], calls: list[Call]
) -> None:
    meter = Meter(PriceList(contract))
    figures = in_bulk(calls, meter)
    assert figures == one_by_one(calls, meter)
    for _, _, _, _, cost_usd, unpriced_reason, *_rest in figures:
        assert (cost_usd is None) == (unpriced_reason is not None)


@pytest.mark.parametrize("reported", [True, False], ids=["reported", "estimated"])
def test_recorded_answers_have_them_too(reported: bool) -> None:
    chats = recordings("chat", "responses", "messages", "completions")
    calls: list[Call] = [recorded_call(one, reported=reported) for one in chats]
    calls += [recorded_embedding(one) for one in recordings("embeddings")]
    assert len(calls) > 200
    assert in_bulk(calls, METER) == one_by_one(calls, METER)


def test_a_misroute_is_also_priced_at_the_model_that_its_task_may_use() -> None:
    wrong = llm_call(
        provider="openai",
        served_model="gpt-4o",
        task_type="simple_greeting",
        input_tokens=1_000_000,
        output_tokens=0,
    )
    right = wrong.model_copy(update={"served_model": "gpt-4o-mini"})
    figures = measure_columns(METER, columns_of_calls([wrong, right]), lambda _row: wrong).to_pylist()
    assert [(row["cost_usd"], row["allowed_cost_usd"]) for row in figures] == [
        (Decimal("2.5"), Decimal("0.15")),
        (Decimal("0.15"), None),
    ]


def test_cache_writes_that_nobody_told_apart_have_no_price_in_bulk_either() -> None:
    asked = {
        "provider": "anthropic",
        "served_model": "claude-haiku-4-5",
        "input_tokens": 1000,
        "cache_write_tokens": 600,
        "output_tokens": 0,
    }
    calls: list[Call] = [
        llm_call(**asked, **told)
        for told in (
            {},
            {"cache_write_split_open": True},
            {"cache_write_split_open": True, "cache_write_1h_tokens": 400},
        )
    ]
    figures = measure_columns(METER, columns_of_calls(calls), None).to_pylist()
    # 400 at 1 and 600 at 1.25; unknown; 400 at 1, 200 at 1.25 and 400 at 2 USD a million
    assert [row["cost_usd"] for row in figures] == [Decimal("0.00115"), None, Decimal("0.00145")]
    assert [row["unpriced_reason"] is None for row in figures] == [True, False, True]
    assert in_bulk(calls, METER) == one_by_one(calls, METER)


def test_no_calls_have_no_figures() -> None:
    assert in_bulk([], METER) == []


@pytest.mark.benchmark
def test_how_many_calls_a_second() -> None:
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    calls: list[Call] = [
        llm_call(
            started_at=begin + timedelta(minutes=number % 40_000),
            provider="openai",
            served_model=("gpt-4o-2024-08-06", "gpt-4o-mini")[number % 2],
            task_type="simple_greeting",
            input_tokens=number % 3000,
            output_tokens=number % 700,
            cached_tokens=number % 3,
        )
        for number in range(200_000)
    ]
    columns = columns_of_calls(calls)
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        measure_columns(Meter(), columns, lambda _row: llm_call())
        seconds.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    columns_of_calls(calls)
    show(
        f"{len(calls) / min(seconds):,.0f} calls/s from columns; "
        f"{len(calls) / (min(seconds) + time.perf_counter() - begun):,.0f} calls/s from facts"
    )
    assert len(calls) / min(seconds) > 50_000
