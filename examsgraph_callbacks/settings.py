"""What can be configured from outside: one `EXAMSGRAPH_*` environment variable a field."""

from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from examsgraph_callbacks.defaults import JOURNAL

__all__ = ["Settings", "Shipping"]

Shipping: TypeAlias = Literal["thread", "process", "off"]
"""How a journal is shipped by itself."""


class Settings(BaseSettings):
    """The settings in force; a field's environment variable is its name behind `EXAMSGRAPH_`.

    Raises pydantic's `ValidationError`, naming the variable, where a value cannot be read.
    """

    model_config = SettingsConfigDict(env_prefix="EXAMSGRAPH_", frozen=True, extra="ignore")

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
    user_key: SecretStr | None = Field(
        default=None,
        description="The secret, 16 to 64 bytes, under which user and session ids become pseudonyms.",
    )
    krw_per_usd: float = Field(
        default=1300.0,
        gt=0,
        description="Won a dollar, wherever a cost is shown in KRW.",
    )
