"""What a call costs under prices for a million tokens, each token billed once."""

from dataclasses import dataclass, field
from decimal import Decimal

__all__ = ["BilledTokens", "TokenPrices"]

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class BilledTokens:
    """The tokens of a call by what they cost; all but `input` and `output` are parts of those two.

    `cache_write_1h`, written to be kept for an hour, is a part of `cache_write`; of `is_split_open` calls
    nobody knows which.
    """

    input: int
    output: int = 0
    cached: int | None = None
    cache_write: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    reasoning: int | None = None
    cache_write_1h: int | None = None
    is_split_open: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """USD for a million tokens of each kind; a kind without a price is billed as what it is a part of."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None

    @property
    def writes_alike(self) -> bool:
        """Whether what is written to the cache costs the same however long it is kept."""
        of_minutes = self.input if self.cache_write is None else self.cache_write
        return self.cache_write_1h is None or self.cache_write_1h == of_minutes

    def cost_usd(self, tokens: BilledTokens) -> Decimal:
        """The cost of `tokens` in USD.

        Cached and cache-write tokens are parts of the input, so plain input is what they leave; so are
        writes for an hour of the writes. Raises `ValueError` where a part is more than its whole.
        """
        written, for_an_hour = tokens.cache_write or 0, tokens.cache_write_1h or 0
        if for_an_hour > written:
            raise ValueError(
                f"{for_an_hour} tokens written for an hour cannot be parts of {written} cache-write tokens",
            )
        plain = tokens.input
        millionths = self.output * tokens.output
        if self.cached is not None and tokens.cached:
            plain -= tokens.cached
            millionths += self.cached * tokens.cached
        if self.cache_write_1h is not None:
            plain -= for_an_hour
            written -= for_an_hour
            millionths += self.cache_write_1h * for_an_hour
        if self.cache_write is not None:
            plain -= written
            millionths += self.cache_write * written
        if plain < 0:
            raise ValueError(
                f"{tokens.input - plain} cached and cache-write tokens cannot be parts of "
                f"{tokens.input} input tokens",
            )
        return (millionths + self.input * plain) / _MILLION
