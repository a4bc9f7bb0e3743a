"""What a call costs under prices for a million tokens, each token billed once."""

from dataclasses import dataclass
from decimal import Decimal

from examsgraph_callbacks.events import LLMCall

__all__ = ["TokenPrices"]

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """USD for a million tokens of each kind; a kind without a price is billed as plain input."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    cache_write: Decimal | None = None

    def cost_usd(self, call: LLMCall, input_tokens: int, output_tokens: int) -> Decimal:
        """The cost of `call` in USD.

        Cached and cache-write tokens are parts of `input_tokens`, so plain input is what they leave.
        Raises `ValueError` where they are more than that.
        """
        plain = input_tokens
        millionths = self.output * output_tokens
        if self.cached is not None and call.cached_tokens:
            plain -= call.cached_tokens
            millionths += self.cached * call.cached_tokens
        if self.cache_write is not None and call.cache_write_tokens:
            plain -= call.cache_write_tokens
            millionths += self.cache_write * call.cache_write_tokens
        if plain < 0:
            raise ValueError(
                f"{input_tokens - plain} cached and cache-write tokens cannot be parts of "
                f"{input_tokens} input tokens",
            )
        return (millionths + self.input * plain) / _MILLION
