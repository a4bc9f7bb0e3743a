"""What can be configured from outside: one `EXAMSGRAPH_*` environment variable a field."""

import os
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from examsgraph_callbacks.defaults import JOURNAL, ZERO_SECONDS

__all__ = ["Settings", "Shipping", "current_settings"]

Shipping: TypeAlias = Literal["thread", "process", "off"]
"""How a journal is shipped by itself."""

_PREFIX = "EXAMSGRAPH_"

# as a compose file passes on what is not set
OptionalFile = Annotated[Path | None, BeforeValidator(lambda value: value or None)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(lambda value: value or None)]


class Settings(BaseSettings):
    """The settings in force; a field's environment variable is its name behind `EXAMSGRAPH_`.

    Raises pydantic's `ValidationError`, naming the variable, where a value cannot be read.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    journal: Path = Field(
        default=Path(JOURNAL),
        description="The journal's directory, relative to the working directory.",
    )
    autolog: bool = Field(
        default=False,
        description="Whether this process is recorded by itself: 1 under `examsgraph run`, where 0 leaves a "
        "subprocess out.",
    )
    ship: Shipping | None = Field(
        default=None,
        description="What ships the journal to MLflow while it is written: a helper `process` (the default), "
        "a `thread` of the application, or nothing by itself (`off`, which is the default in serverless "
        "functions).",
    )
    prices: OptionalFile = Field(
        default=None,
        description="A TOML file of [[prices]] that hold before the public list.",
    )
    policy: OptionalFile = Field(
        default=None,
        description="A TOML file whose [routing] says which models a task may use, instead of the "
        "product's own two rules.",
    )
    document_limit: int = Field(
        default=500,
        ge=0,
        description="Characters of a retrieved document's text that are recorded; length and hash are kept.",
    )
    capture_content: bool = Field(
        default=True,
        description="Whether prompts, answers, documents and error messages are recorded; else only figures.",
    )
    capture_embeddings: bool = Field(
        default=False,
        description="Whether embedded texts and their vectors are recorded, so that they can be replayed.",
    )
    path_lookup: bool = Field(
        default=True,
        description="Whether names and scores that another retriever's records do not tell are asked of its "
        "database, in one question more, when it is done.",
    )
    # an empty one is refused: it was meant to be filled in, and nobody is to be recorded by name
    user_key: SecretStr | None = Field(
        default=None,
        description="The secret, 16 to 64 bytes, under which user and session ids become pseudonyms.",
    )
    krw_per_usd: float = Field(
        default=1300.0,
        gt=0,
        description="Won a dollar, wherever a cost is shown in KRW.",
    )
    api_tokens: SecretStr | None = Field(
        default=None,
        description="The HTTP API's tokens, by commas: `write:TOKEN`, `read:TOKEN`, or `TOKEN` for both. "
        "Without any it serves this machine alone.",
    )
    api_host: str = Field(default="127.0.0.1", description="The address that the HTTP API listens at.")
    api_port: int = Field(default=8000, ge=0, le=65535, description="The port that it listens at.")
    api_requests_per_second: float = Field(
        default=2000.0, gt=0, description="Requests a second that it takes of each client."
    )
    api_body_limit: int = Field(default=1_000_000, ge=1, description="Bytes of a request that it takes.")
    api_fsync: bool = Field(
        default=False,
        description="Whether a report is acknowledged only when the disk itself has it (`fsync`): it then "
        "survives a power cut, not only the end of the process.",
    )
    metrics_zero_seconds: float = Field(
        default=ZERO_SECONDS,
        gt=0,
        description="For how long /metrics tells a series that is new as 0, so that every Prometheus sees it "
        "rise: more than twice the scrape interval.",
    )
    experiments: Path | None = Field(
        default=None,
        description="The TOML file of the prompt experiments that the HTTP API hands out.",
    )
    subscription_price_krw: Decimal = Field(
        default=Decimal(10_000),
        gt=0,
        description="What a learner pays a month, in KRW.",
    )
    time_zone: ZoneInfo = Field(
        default=ZoneInfo("Asia/Seoul"),
        description="The zone by whose clock hours, days and months are told, such as UTC or Asia/Seoul.",
    )
    lake: str | None = Field(
        default=None,
        description="Where the journal is compacted to: a folder, or the URI of an object store, which "
        "several journals may share; else the folder `lake` in the journal.",
    )
    engine: str = Field(
        default="duckdb",
        description="What answers the questions: `duckdb`, `pyspark`, or the URL of any Ibis backend.",
    )
    alerts: OptionalFile = Field(
        default=None,
        description="A TOML file whose [alerts] says what is watched; else concepts that are not understood "
        "and the day's cost.",
    )
    slack_webhook: OptionalSecret = Field(
        default=None, description="The incoming webhook of the Slack channel that alerts go to."
    )
    alert_urls: OptionalSecret = Field(
        default=None, description="Apprise URLs that alerts go to as well, by spaces (extra [apprise])."
    )


def current_settings() -> Settings:
    """The settings in force: read anew, which takes a millisecond, only where a variable has changed.

    Raises what `Settings` raises.
    """
    # pydantic-settings takes a variable's name in whatever case
    return _read(frozenset(item for item in os.environ.items() if item[0].upper().startswith(_PREFIX)))


@lru_cache(maxsize=16)
def _read(_variables: frozenset[tuple[str, str]]) -> Settings:
    return Settings()
