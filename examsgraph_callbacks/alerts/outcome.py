"""What became of a message that was sent."""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Later", "Outcome", "Refused", "Sent"]


@dataclass(frozen=True, slots=True)
class Sent:
    """The place took it."""


@dataclass(frozen=True, slots=True)
class Later:
    """It may not have arrived: to be sent again, no sooner than in `after_seconds` where that is told."""

    error: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The place will never take this message."""

    error: str


Outcome: TypeAlias = Sent | Later | Refused
