"""What a call costs under prices for a million tokens, each token billed once."""

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["BilledTokens", "TokenPrices"]

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class BilledTokens:
    """The tokens of a call by what they cost; all but `input` and `output` are parts of those two."""

    input: int
    output: int = 0
    cached: int | None = None
    cache_write: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """USD for a million tokens of each kind; a kind without a price is billed as plain input."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    cache_write: Decimal | None = None

    def cost_usd(self, tokens: BilledTokens) -> Decimal:
        """The cost of `tokens` in USD.

        Cached and cache-write tokens are parts of the input, so plain input is what they leave. Raises
        `ValueError` where they are more than that.
        """
        plain = tokens.input
        millionths = self.output * tokens.output
        if self.cached is not None and tokens.cached:
            plain -= tokens.cached
            millionths += self.cached * tokens.cached
        if self.cache_write is not None and tokens.cache_write:
            plain -= tokens.cache_write
            millionths += self.cache_write * tokens.cache_write
        if plain < 0:
            raise ValueError(
                f"{tokens.input - plain} cached and cache-write tokens cannot be parts of "
                f"{tokens.input} input tokens",
            )
        return (millionths + self.input * plain) / _MILLION
