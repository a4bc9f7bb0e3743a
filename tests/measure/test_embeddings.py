"""Embedding calls: priced as LLM calls are, by their input alone, and never by a guess."""

from decimal import Decimal

import genai_prices
import pytest

from examsgraph_callbacks.events import EmbeddingCall
from examsgraph_callbacks.measure import MeasuredEmbedding, Meter, PriceList, PriceOverride
from tests.measure.facts import embedding_call, llm_call, show
from tests.measure.recorded import recorded_embedding, recordings

LIST = f"genai-prices {genai_prices.__version__}"


def measured(prices: PriceList | None = None, **fields: object) -> MeasuredEmbedding:
    return Meter(prices).measure(embedding_call(**fields))


@pytest.mark.parametrize(
    ("provider", "model", "usd"),
    [
        # 1,500 at 0.02, 0.13 and 0.10 USD a million
        ("openai", "text-embedding-3-small", "0.00003"),
        ("openai", "text-embedding-3-large", "0.000195"),
        ("azure", "text-embedding-3-large", "0.000195"),
        ("openai", "text-embedding-ada-002-v2", "0.00015"),
    ],
)
def test_an_embedding_call_costs_the_list_price_of_its_input(provider: str, model: str, usd: str) -> None:
    call = embedding_call(provider=provider, served_model=model)
    assert Meter().measure(call) == MeasuredEmbedding(
        call=call,
        input_tokens=1500,
        cost_usd=Decimal(usd),
        unpriced_reason=None,
        price_version=LIST,
    )


def test_where_the_served_model_is_unknown_the_requested_one_is_priced() -> None:
    assert measured(served_model=None).cost_usd == Decimal("0.00003")


def test_an_override_comes_first() -> None:
    contract = PriceOverride(model="text-embedding-*", input=Decimal("0.01"), output=Decimal(0))
    paid = measured(PriceList([contract]))
    assert (paid.cost_usd, paid.price_version) == (Decimal("0.000015"), "override")


def test_an_override_may_be_for_the_name_of_a_deployment() -> None:
    deployment = PriceOverride(model="our-embedder", provider="azure", input=Decimal(1), output=Decimal(0))
    paid = measured(PriceList([deployment]), provider="azure", requested_model="our-embedder")
    assert paid.cost_usd == Decimal("0.0015")


def test_without_usage_nothing_is_claimed() -> None:
    silent = measured(input_tokens=None, usage_source=None)
    assert (silent.input_tokens, silent.cost_usd, silent.price_version) == (None, None, None)
    assert silent.unpriced_reason is not None
    assert "reported no usage" in silent.unpriced_reason


def test_a_failed_call_without_usage_says_that_it_failed() -> None:
    failed = measured(status="error", input_tokens=None, usage_source=None)
    assert failed.cost_usd is None
    assert failed.unpriced_reason == "the call failed and the provider reported no usage"


def test_a_model_without_a_known_price_is_unpriced_and_not_free() -> None:
    own = measured(provider="school", served_model="한국어-임베딩", requested_model="한국어-임베딩")
    assert own.cost_usd is None
    assert own.unpriced_reason == f"{LIST} does not know 한국어-임베딩 of provider school"


def test_of_an_unnamed_model_nothing_is_claimed() -> None:
    unnamed = measured(served_model=None, requested_model=None)
    assert unnamed.unpriced_reason == "neither the served nor the requested model is known"


def test_a_cache_hit_is_free() -> None:
    hit = measured(status="cache_hit", usage_source="cache_hit")
    assert (hit.input_tokens, hit.cost_usd, hit.unpriced_reason) == (0, Decimal(0), None)


def test_a_model_that_embeds_is_no_price_for_a_call_that_answers() -> None:
    # the list has no price for output of it: an answer of it is not taken to be free
    answered = Meter().measure(
        llm_call(provider="openai", served_model="text-embedding-3-small", input_tokens=1, output_tokens=1),
    )
    assert answered.cost_usd is None


def test_recorded_embeddings_cost_what_genai_prices_makes_of_them() -> None:
    total = Decimal(0)
    calls = [recorded_embedding(recording) for recording in recordings("embeddings")]
    for call in calls:
        paid = Meter().measure(call)
        assert paid.cost_usd == straight_from_the_list(call)
        total += paid.cost_usd
    show(f"{len(calls)} recorded embedding calls: {total} USD")
    assert len(calls) >= 20


def straight_from_the_list(call: EmbeddingCall) -> Decimal:
    assert call.served_model is not None
    return genai_prices.calc_price(
        genai_prices.Usage(input_tokens=call.input_tokens),
        call.served_model,
        provider_id=call.provider,
        genai_request_timestamp=call.started_at,
    ).total_price
