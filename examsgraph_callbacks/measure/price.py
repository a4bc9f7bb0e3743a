"""What a call cost in USD, by the public price list of genai-prices at the call's own date."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from examsgraph_callbacks.events import EmbeddingCall, LLMCall
from examsgraph_callbacks.measure.overrides import PriceOverride
from examsgraph_callbacks.measure.token_prices import BilledTokens, TokenPrices

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, PriceCalculation

__all__ = ["STATED", "Price", "PriceList", "Quote", "why_no_tokens"]

STATED = "stated by the caller"
"""The price list, so to speak, of a call whose cost was stated by whoever reported it."""

# as many (provider, model, tier, day) as a shipper meets while it catches up with months of journal
_REMEMBERED_PRICES = 4096
_STANDARD_TIERS = frozenset({"auto", "default", "on_demand", "standard"})
# keys of genai-prices whose cost `TokenPrices` works out: those it knows, and those of which the facts
# count nothing (the provider's own searches)
_KNOWN_KEYS = frozenset(
    {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok"}
)
_UNCOUNTED_KEYS = frozenset({"storage_searches_kcount", "web_searches_kcount"})


@dataclass(frozen=True, slots=True)
class Price:
    """A cost in USD and the list it is from, or no cost and the reason."""

    cost_usd: Decimal | None
    unpriced_reason: str | None = None
    price_version: str | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """How calls of one kind are billed on one day: the list's version, and the cost of some tokens in USD.

    `flat` are the prices where they are one number for each kind of token, else None; they may change
    `within_a_day`. It `hears` where it prices audio that the model read, `speaks` where it prices audio
    that it wrote, `keeps` where it prices what is written to the provider's cache for an hour, and
    `writes_alike` where that costs no more than what is written for some minutes.
    """

    version: str
    cost_usd: Callable[[BilledTokens, datetime], Decimal]
    flat: TokenPrices | None = None
    within_a_day: bool = False
    hears: bool = True
    speaks: bool = True
    keeps: bool = True
    writes_alike: bool = False

    def why_not(self, model: str | None, tokens: BilledTokens) -> str | None:
        """Why these tokens have no price although the model has one; None where they have."""
        if tokens.is_split_open and tokens.cache_write and not self.writes_alike:
            # whichever they were taken for, the cost might be another
            return self.why_not_untold
        if (tokens.audio_input and not self.hears) or (tokens.audio_output and not self.speaks):
            # the library would take it for text, which costs a fraction of it
            return f"{self.version} lists {model} without a price for audio"
        if tokens.cache_write_1h and not self.keeps:
            # the library would take them for writes of five minutes, which cost less
            return f"{self.version} lists {model} without a price for cache writes kept for an hour"
        return None

    @property
    def why_not_untold(self) -> str:
        """Why there is no price for cache writes that nobody told apart, where not all `writes_alike`."""
        return (
            "the answer did not tell cache writes of 5 minutes from those of an hour, and "
            f"{self.version} has no one price for both: ask for one of them, or do not stream the answer"
        )

    def price(self, model: str | None, tokens: BilledTokens, moment: datetime) -> Price:
        """The cost of `tokens` at a moment (UTC) of the quote's day, or the reason why there is none."""
        reason = self.why_not(model, tokens)
        if reason is not None:
            return Price(None, reason)
        try:
            return Price(self.cost_usd(tokens, moment), price_version=self.version)
        except ValueError as error:
            return Price(None, f"the reported usage cannot be priced: {error}")


class PriceList:
    """The overrides, in their order, and behind them genai-prices as it is installed."""

    def __init__(self, overrides: Iterable[PriceOverride] = ()) -> None:
        self._overrides = tuple(overrides)
        self._look_up_once = lru_cache(_REMEMBERED_PRICES)(self._look_up)

    def price(self, call: LLMCall, input_tokens: int | None, output_tokens: int | None) -> Price:
        """The cost of `call`, given how many tokens it took in all.

        What was served is what is billed: the requested model's list price holds only where nobody said
        what was served (an override may be for either name, such as an Azure deployment's). Cached,
        cache-write, audio and reasoning tokens are parts of input and output and are billed once, and so
        are writes kept for an hour, which are parts of the writes; where nobody knows which part, the cost
        is known only if they cost the same. Web searches that a provider runs are not among the facts and
        not in the cost. Where no price is known the cost is None with a reason, never 0: 0 is a cache hit,
        or a model whose price is 0.
        A cost that the call's reporter stated is used as stated; `listed` tells what it is by the lists.
        """
        if call.stated_cost_usd is not None:
            return Price(call.stated_cost_usd, price_version=STATED)
        return self.listed(call, input_tokens, output_tokens)

    def listed(self, call: LLMCall, input_tokens: int | None, output_tokens: int | None) -> Price:
        """The cost of `call` by overrides and list, whatever its reporter stated."""
        if call.status == "cache_hit":
            return Price(Decimal(0))
        if input_tokens is None or output_tokens is None:
            return Price(None, why_no_tokens(call.kind, call.status))
        tokens = BilledTokens(
            input_tokens,
            output_tokens,
            call.cached_tokens,
            call.cache_write_tokens,
            call.audio_input_tokens,
            call.audio_output_tokens,
            call.reasoning_tokens,
            call.cache_write_1h_tokens,
            is_split_open=bool(call.cache_write_split_open) and call.cache_write_1h_tokens is None,
        )
        return self._bill(call, call.service_tier, tokens)

    def price_embedding(self, call: EmbeddingCall) -> Price:
        """The cost of `call`, found as an LLM call's is; its input is all that it is billed for.

        Where the provider reported no usage the cost is None with a reason: no text is kept from which
        it could be estimated.
        """
        if call.status == "cache_hit":
            return Price(Decimal(0))
        if call.input_tokens is None:
            return Price(None, why_no_tokens(call.kind, call.status))
        return self._bill(call, None, BilledTokens(call.input_tokens))

    def quote(
        self,
        provider: str | None,
        served: str | None,
        requested: str | None,
        tier: str | None,
        day: date,
        *,
        writes: bool,
    ) -> Quote | str:
        """How calls like this are billed on `day` (UTC), or why that is not known.

        They have output if the model `writes`.
        """
        if tier is not None and tier.lower() in _STANDARD_TIERS:
            tier = None
        return self._look_up_once(provider, served, requested, tier, day, writes)

    @property
    def version(self) -> str:
        """Names the prices by which this list bills: equal for lists that bill alike."""
        if not self._overrides:
            return _list_version()
        told = "\n".join(override.model_dump_json(exclude_none=True) for override in self._overrides)
        return f"{_list_version()} behind overrides {sha256(told.encode()).hexdigest()[:12]}"

    def _bill(self, call: LLMCall | EmbeddingCall, tier: str | None, tokens: BilledTokens) -> Price:
        quote = self.quote(
            call.provider,
            call.served_model,
            call.requested_model,
            tier,
            _utc_day(call.started_at),
            writes=isinstance(call, LLMCall),
        )
        if isinstance(quote, str):
            return Price(None, quote)
        return quote.price(call.served_model, tokens, call.started_at)

    def _look_up(  # noqa: PLR0917 - a cache tells its keys apart by position
        self,
        provider: str | None,
        served: str | None,
        requested: str | None,
        tier: str | None,
        day: date,
        writes: bool,
    ) -> Quote | str:
        models = [model for model in (served, requested) if model]
        if not models:
            return "neither the served nor the requested model is known"
        for model in models:
            for override in self._overrides:
                if override.matches(provider, model, tier):
                    return _flat_quote("override", override.token_prices)
        try:
            return _listed(provider, models[0], tier, day, writes=writes)
        except LookupError:
            return f"{_list_version()} does not know {models[0]} of provider {provider}"


def _flat_quote(version: str, prices: TokenPrices) -> Quote:
    return Quote(
        version,
        lambda tokens, _moment: prices.cost_usd(tokens),
        prices,
        writes_alike=prices.writes_alike,
    )


def _listed(provider: str | None, model: str, tier: str | None, day: date, *, writes: bool) -> Quote | str:
    """What genai-prices says of `model` on `day`; raises `LookupError` where it does not know it."""
    from genai_prices import Usage, calc_price

    version = _list_version()
    context = {"service_tier": tier} if tier else None

    def calculate(usage: Usage, moment: datetime, context: dict[str, str] | None) -> "PriceCalculation":
        return calc_price(
            usage,
            model,
            provider_id=provider,
            genai_request_timestamp=moment,
            price_context=context,
        )

    def cost_usd(tokens: BilledTokens, moment: datetime) -> Decimal:
        usage = Usage(
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cache_read_tokens=tokens.cached,
            cache_write_tokens=tokens.cache_write,
            input_audio_tokens=tokens.audio_input,
            output_audio_tokens=tokens.audio_output,
            output_reasoning_tokens=tokens.reasoning,
            # the library takes none for a count that needs the whole beside it
            cache_write_1h_tokens=tokens.cache_write_1h or None,
        )
        return calculate(usage, moment, context).total_price

    midnight = datetime.combine(day, time(), UTC)
    standard = calculate(Usage(), midnight, None)
    prices = calculate(Usage(), midnight, context).model_price
    if tier and prices == standard.model_price:
        # the library falls back to the standard price, which a tier of its own does not cost
        return f"{version} has no price for {model} on service tier {tier} on {day}"
    if prices.input_mtok is None or (writes and prices.output_mtok is None):
        # the library says 0 here, for models that are free and for those sold by subscription
        return f"{version} lists {model} of provider {provider} without a price for tokens"
    within_a_day = _changes_within_a_day(standard.model)
    flat = None if within_a_day else _flat(prices)
    quote = (
        Quote(version, cost_usd, within_a_day=within_a_day) if flat is None else _flat_quote(version, flat)
    )
    keeps = prices.cache_write_1h_mtok is not None
    return replace(
        quote,
        hears=prices.input_audio_mtok is not None,
        speaks=prices.output_audio_mtok is not None,
        keeps=keeps,
        writes_alike=keeps and not within_a_day and prices.cache_write_1h_mtok == prices.cache_write_mtok,
    )


def _flat(prices: "ModelPrice") -> TokenPrices | None:
    """The prices, where they are one number for each kind of token that `TokenPrices` knows."""
    named = {key: price for key, price in vars(prices).items() if price is not None}
    numbers = {key: named[key] for key in named if isinstance(named[key], Decimal)}
    if not named.keys() <= _KNOWN_KEYS | _UNCOUNTED_KEYS or numbers.keys() != named.keys():
        return None
    return TokenPrices(
        input=numbers["input_mtok"],
        output=numbers.get("output_mtok", Decimal(0)),  # of an embedding model, which writes none
        cached=numbers.get("cache_read_mtok"),
        cache_write=numbers.get("cache_write_mtok"),
        cache_write_1h=numbers.get("cache_write_1h_mtok"),
    )


def _changes_within_a_day(model: "ModelInfo") -> bool:
    from genai_prices.types import TimeOfDateConstraint

    dated = [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]
    return any(isinstance(price.constraint, TimeOfDateConstraint) for price in dated)


def _list_version() -> str:
    from genai_prices import __version__

    return f"genai-prices {__version__}"


def why_no_tokens(kind: str, status: str | None) -> str:
    """Why a call without usage (its kind and its status) has no price."""
    if status == "error":
        return "the call failed and the provider reported no usage"
    if kind == "embedding_call":
        return "the provider reported no usage, and no embedded text is kept to estimate it"
    return "the provider reported no usage and too little content was captured to estimate it"


def _utc_day(moment: datetime) -> date:
    """The day on which list prices change; a time without a zone is UTC, as genai-prices takes it."""
    return moment.astimezone(UTC).date() if moment.utcoffset() else moment.date()
