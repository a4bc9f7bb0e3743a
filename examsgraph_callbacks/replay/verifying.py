"""Whether a recording is whole, can be read, and holds no secret."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from examsgraph_callbacks.capture import Privacy, redact_text
from examsgraph_callbacks.capture.privacy import CONTENT_FIELDS
from examsgraph_callbacks.events import Fact
from examsgraph_callbacks.replay.comparing import first_difference
from examsgraph_callbacks.replay.reading import Flaw
from examsgraph_callbacks.replay.recording import Recording

__all__ = ["Secret", "Verified", "secrets_in", "verify"]

TOLD = 100
"""Flaws and secrets that are kept; the others are counted."""

_NOT_SEARCHED = frozenset({"vectors", "kind", "schema_version", "started_at"})


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in a fact: where, and its text with what it should have been."""

    event_id: str
    where: str
    redacted: str

    def __str__(self) -> str:
        return f"fact {self.event_id}: {self.where} holds a secret: {self.redacted}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found; the first hundred flaws and secrets are here, all are counted."""

    facts: int
    flaws: tuple[Flaw, ...]
    flaw_count: int
    secrets: tuple[Secret, ...]
    secret_count: int

    @property
    def is_sound(self) -> bool:
        """Whether it is whole and holds no secret that `redact_text` knows."""
        return not self.flaw_count and not self.secret_count


def verify(recording: Recording) -> Verified:
    """Read all of it: lines, hashes, order, schema, and every text for secrets.

    Raises what `Recording.facts` raises where nothing of it can be read.
    """
    flaws: list[Flaw] = []
    secrets: list[Secret] = []
    counts = {"facts": 0, "flaws": 0, "secrets": 0}

    def on_flaw(flaw: Flaw) -> None:
        counts["flaws"] += 1
        if len(flaws) < TOLD:
            flaws.append(flaw)

    for fact in recording.facts(on_flaw):
        counts["facts"] += 1
        for secret in secrets_in(fact):
            counts["secrets"] += 1
            if len(secrets) < TOLD:
                secrets.append(secret)
    return Verified(counts["facts"], tuple(flaws), counts["flaws"], tuple(secrets), counts["secrets"])


def secrets_in(fact: Fact) -> Iterator[Secret]:
    """The first secret of each field of a fact, ids and labels included."""
    fields: dict[str, JsonValue] = fact.model_dump(mode="json", exclude_none=True)
    content = Privacy().recorded(fact).model_dump(mode="json", exclude_none=True)
    for name, value in fields.items():
        if name in _NOT_SEARCHED:
            continue
        # ids and labels are recorded as they are: whoever hands a recording on must know what they say
        redacted = content.get(name) if name in CONTENT_FIELDS else _redacted(value)
        difference = first_difference(value, redacted, name)
        if difference is not None:
            yield Secret(fact.event_id, difference.where, difference.asked)


def _redacted(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    if isinstance(value, dict):
        return {redact_text(key): _redacted(item) for key, item in value.items()}
    return value
