"""What caches saved in USD: tokens times the difference that the price list makes."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from examsgraph_callbacks.analytics.answers import CacheSavings
from examsgraph_callbacks.measure import Meter
from examsgraph_callbacks.measure.price import Quote
from examsgraph_callbacks.measure.token_prices import BilledTokens, TokenPrices

__all__ = ["savings"]


def savings(used: Iterable[Mapping[str, Any]], meter: Meter) -> CacheSavings:
    """The sum over groups of calls that have one price each (see `questions.performance.cache_use`)."""
    cached = hits = hit_tokens = unpriced = 0
    provider_usd = hits_usd = Decimal(0)
    for group in used:
        prices = _prices(group, meter)
        tokens = group["cached_tokens"] or 0
        inputs, outputs = group["saved_input_tokens"] or 0, group["saved_output_tokens"] or 0
        hits += group["hits"]
        if prices is None:
            unpriced += tokens + inputs + outputs
            continue
        cached, hit_tokens = cached + tokens, hit_tokens + inputs + outputs
        provider_usd += _cached_less(prices, tokens)
        hits_usd += prices.cost_usd(BilledTokens(inputs, outputs))
    return CacheSavings(
        cached_tokens=cached,
        provider_usd=provider_usd,
        hits=hits,
        hit_tokens=hit_tokens,
        hits_usd=hits_usd,
        unpriced_tokens=unpriced,
    )


def _prices(group: Mapping[str, Any], meter: Meter) -> TokenPrices | None:
    quote = meter.prices.quote(
        group["provider"],
        group["served_model"],
        group["requested_model"],
        group["service_tier"],
        group["day"],
        writes=True,
    )
    return quote.flat if isinstance(quote, Quote) else None


def _cached_less(prices: TokenPrices, tokens: int) -> Decimal:
    """What these input tokens cost less because they were cached."""
    return prices.cost_usd(BilledTokens(tokens)) - prices.cost_usd(BilledTokens(tokens, cached=tokens))
