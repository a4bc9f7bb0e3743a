"""Prices of one's own, looked up before the public list: contracts, deployment names, own models."""

from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from examsgraph_callbacks.measure.token_prices import TokenPrices
from examsgraph_callbacks.measure.toml_file import read_table

__all__ = ["PriceOverride", "load_prices"]

UsdPerMillion = Annotated[Decimal, Field(ge=0)]


class PriceOverride(BaseModel):
    """The price of a model in USD for a million tokens.

    `model` is a served or requested name, or a glob such as `tutor-*`; upper and lower case are alike.
    Without `provider` or `service_tier` (`flex`, `priority`) it holds for any. Without `cached` or
    `cache_write` those tokens cost what plain input does, and without `cache_write_1h` what is written to
    be kept for an hour costs what other writes do; audio and reasoning tokens cost what input and output
    do. An embedding model's `output` is 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)]
    provider: str | None = None
    service_tier: str | None = None
    input: UsdPerMillion
    output: UsdPerMillion
    cached: UsdPerMillion | None = None
    cache_write: UsdPerMillion | None = None
    cache_write_1h: UsdPerMillion | None = None

    def matches(self, provider: str | None, model: str, service_tier: str | None) -> bool:
        """Whether this is the price of `model` at `provider` on `service_tier`."""
        return (
            fnmatchcase(model.lower(), self.model.lower())
            and _same_or_any(self.provider, provider)
            and _same_or_any(self.service_tier, service_tier)
        )

    @property
    def token_prices(self) -> TokenPrices:
        """The same prices, ready to bill with."""
        return TokenPrices(self.input, self.output, self.cached, self.cache_write, self.cache_write_1h)


def load_prices(path: str | Path) -> tuple[PriceOverride, ...]:
    """The overrides in a TOML file, one `[[prices]]` table each; of several that match, the first holds.

        [[prices]]
        model = "tutor-*"       # a served or requested name, or a glob
        provider = "azure"      # optional, as are service_tier, cached, cache_write and cache_write_1h
        input = 2.00            # USD for a million tokens
        output = 8.00
        cached = 0.50

    Raises `InvalidInputError`, naming the file and the place, where it cannot be read as that.
    """
    return read_table(path, "prices", TypeAdapter(tuple[PriceOverride, ...]))


def _same_or_any(wanted: str | None, found: str | None) -> bool:
    return wanted is None or (found is not None and wanted.lower() == found.lower())
