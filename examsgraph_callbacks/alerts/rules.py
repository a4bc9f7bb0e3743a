"""What is watched: the rules of a TOML file, with the product's two as they stand without one."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, TypeAdapter

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.measure.toml_file import read_table

__all__ = [
    "ConceptConfusion",
    "DailyCost",
    "Rate",
    "Rule",
    "Rules",
    "ShipperLag",
    "UnpricedCalls",
    "load_rules",
]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> object:
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+)\s*([smhd])", value.strip())):
        try:
            return timedelta(**{_UNITS[found[2]]: int(found[1])})
        except OverflowError:
            raise ValueError("expected a duration that a calendar has room for, such as 365d") from None
    if isinstance(value, timedelta):
        return value
    raise ValueError("expected a duration such as 90s, 15m, 24h or 7d")


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(le=timedelta(days=3650))]
_Window = Annotated[Duration, Field(ge=timedelta(minutes=1), le=timedelta(days=31))]
_Share = Annotated[float, Field(ge=0, lt=1)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""


class ConceptConfusion(_Rule):
    """A concept was understood at `understanding` or less `count` times or more within `window`.

    The defaults 2 and 10 are the product's document's ("next steps", 2); the window is this package's.
    A thumbs down without a score does not count.
    """

    kind: Literal["concept_confusion"] = "concept_confusion"
    understanding: int = Field(default=2, ge=1, le=5)
    count: int = Field(default=10, ge=1)
    window: _Window = timedelta(hours=24)
    clear_for: Duration = timedelta(hours=1)


class DailyCost(_Rule):
    """A calendar day of the configured zone cost more than `usd`: in all, or of one user or one model.

    The default of 50 is the product's document's ("next steps", 3).
    """

    kind: Literal["daily_cost"] = "daily_cost"
    usd: Decimal = Field(default=Decimal(50), ge=0)
    per: Literal["day", "user", "model"] = "day"
    clear_for: None = None


class Rate(_Rule):
    """More than `share` (0 to 1) of what could be judged within `window`, which is `at_least` so many.

    Misroutes among calls that the policy judges, stray hops among hops that were followed under a
    threshold, errors among calls.
    """

    kind: Literal["misroute_rate", "stray_hop_rate", "error_rate"]
    share: _Share
    at_least: int = Field(default=20, ge=1)
    window: _Window = timedelta(hours=1)
    clear_for: Duration = timedelta(hours=1)


class UnpricedCalls(_Rule):
    """A model's calls had no price `count` times or more within `window`: what they cost is not known.

    Calls that failed without usage do not count.
    """

    kind: Literal["unpriced_calls"] = "unpriced_calls"
    count: int = Field(default=1, ge=1)
    window: _Window = timedelta(hours=24)
    clear_for: Duration = timedelta(hours=1)


class ShipperLag(_Rule):
    """The oldest fact that was not delivered to MLflow is older than `longest`."""

    kind: Literal["shipper_lag"] = "shipper_lag"
    longest: Duration = timedelta(minutes=15)
    clear_for: Duration = timedelta(minutes=5)


Rule = Annotated[
    ConceptConfusion | DailyCost | Rate | UnpricedCalls | ShipperLag,
    Discriminator("kind"),
]


class Rules(BaseModel):
    """All that is watched.

    An incident that stays open is told again after `cooldown`. One whose rule holds no more is closed
    when that is so for the rule's `clear_for`; that of a day's cost when the day is over. `examples`: whether
    messages carry learners' questions, which then leave for Slack; else only question ids.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cooldown: Duration = timedelta(hours=24)
    examples: bool = True
    rules: tuple[Rule, ...] = (ConceptConfusion(name="concept_confusion"), DailyCost(name="daily_cost"))

    @property
    def horizon(self) -> timedelta:
        """How far back facts are looked at: the longest window, and no less than two days."""
        windows = [rule.window for rule in self.rules if not isinstance(rule, (DailyCost, ShipperLag))]
        return max([timedelta(days=2), *(window + timedelta(days=1) for window in windows)])


def load_rules(path: str | Path | None) -> Rules:
    """The rules in a TOML file's `[alerts]` table; the product's two where `path` is None.

        [alerts]
        cooldown = "24h"
        [[alerts.rules]]
        kind = "concept_confusion"
        understanding = 2
        count = 10
        window = "24h"
        [[alerts.rules]]
        kind = "daily_cost"
        usd = 50

    Raises `InvalidInputError`, naming the file and the place, where it cannot be read as that, or two rules
    have one name.
    """
    if path is None:
        return Rules()
    rules = read_table(path, "alerts", TypeAdapter(Rules))
    named = tuple(rule.model_copy(update={"name": rule.name or _name(rule)}) for rule in rules.rules)
    names = [rule.name for rule in named]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInputError(
            f'expected every rule in {path} to have a name of its own, found two {twice!r}: add  name = "…"'
        )
    return rules.model_copy(update={"rules": named})


def _name(rule: Rule) -> str:
    if isinstance(rule, DailyCost) and rule.per != "day":
        return f"daily_cost_per_{rule.per}"
    return rule.kind
