"""What a bill comes to by OpenAI's and Anthropic's published prices, written out by hand."""

from decimal import Decimal

from tests.servers.openai_server import Bill

__all__ = ["list_price"]

# USD per million tokens: input, cached input, cache write, the same for an hour, output, audio in, audio out
PRICES = {
    ("gpt-4o-2024-08-06", None): ("2.50", "1.25", "0", "0", "10.00", "0", "0"),
    ("gpt-4o-mini-2024-07-18", None): ("0.15", "0.075", "0", "0", "0.60", "0", "0"),
    ("gpt-3.5-turbo-instruct", None): ("1.50", "0", "0", "0", "2.00", "0", "0"),
    ("o3-mini", None): ("1.10", "0.55", "0", "0", "4.40", "0", "0"),
    ("gpt-5-mini", "default"): ("0.25", "0.025", "0", "0", "2.00", "0", "0"),
    ("gpt-5-mini", "flex"): ("0.125", "0.0125", "0", "0", "1.00", "0", "0"),
    ("gpt-5-mini", "priority"): ("0.45", "0.045", "0", "0", "3.60", "0", "0"),
    ("gpt-audio", None): ("2.50", "0", "0", "0", "10.00", "32.00", "64.00"),
    ("claude-haiku-4-5-20251001", None): ("1.00", "0.10", "1.25", "2.00", "5.00", "0", "0"),
}


def list_price(bill: Bill) -> Decimal:
    """What the provider's price page says the bill comes to (USD)."""
    prices = PRICES[bill.model, bill.service_tier]
    plain, cached, write, write_1h, output, audio_in, audio_out = (Decimal(price) for price in prices)
    text_in = bill.input_tokens - bill.cached_tokens - bill.cache_write_tokens - bill.audio_input_tokens
    return (
        text_in * plain
        + bill.cached_tokens * cached
        + (bill.cache_write_tokens - bill.cache_write_1h_tokens) * write
        + bill.cache_write_1h_tokens * write_1h
        + bill.audio_input_tokens * audio_in
        + (bill.output_tokens - bill.audio_output_tokens) * output
        + bill.audio_output_tokens * audio_out
    ) / 1_000_000
