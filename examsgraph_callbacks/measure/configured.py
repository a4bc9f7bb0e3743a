"""The meter that is configured: by files that were named, else by the settings, else by what is public."""

from pathlib import Path

from examsgraph_callbacks.measure.calls import Meter
from examsgraph_callbacks.measure.overrides import load_prices
from examsgraph_callbacks.measure.price import PriceList
from examsgraph_callbacks.measure.routing import load_policy
from examsgraph_callbacks.settings import current_settings

__all__ = ["configured_meter"]


def configured_meter(prices: Path | None = None, policy: Path | None = None) -> Meter:
    """Measures by these TOML files (see `load_prices` and `load_policy`), read now.

    For one that is not given, that of `EXAMSGRAPH_PRICES` or `EXAMSGRAPH_POLICY` holds, else the public
    list and the product's own policy. Raises `InvalidInputError`, naming the file, where it cannot be read.
    """
    settings = current_settings()
    prices, policy = prices or settings.prices, policy or settings.policy
    return Meter(
        PriceList(load_prices(prices)) if prices else None,
        load_policy(policy) if policy else None,
    )
