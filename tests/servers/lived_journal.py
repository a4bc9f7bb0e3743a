"""A journal as a service has one after some weeks: the demo's lesson on other days, for other learners.

It holds an experiment that runs, and incidents that are open and over.
"""

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from examsgraph_callbacks.alerts import load_rules, open_watch
from examsgraph_callbacks.console import Screen
from examsgraph_callbacks.demo.run import record_lesson
from examsgraph_callbacks.events import Exposure, Fact, Feedback, LLMCall, PromptExperimentPlan
from examsgraph_callbacks.journal import Journal

__all__ = ["live"]

SEOUL = ZoneInfo("Asia/Seoul")
_IDS = ("event_id", "trace_id", "run_id", "parent_run_id")
_VARIANTS = ("v1_strict", "v2_friendly")
_RULES = """
[alerts]
[[alerts.rules]]
kind = "concept_confusion"
count = 4
window = "24h"
[[alerts.rules]]
kind = "daily_cost"
usd = 0.115
[[alerts.rules]]
kind = "misroute_rate"
share = 0.05
window = "24h"
"""


def live(journal: Journal, days: int, now: datetime, zone: ZoneInfo = SEOUL, seed: int = 7) -> None:
    """Write `days` days of lessons that end at `now` (UTC), and look for alerts, once a day."""
    dice = random.Random(seed)
    with TemporaryDirectory(prefix="examsgraph-lesson-") as folder:
        recorded = Journal(Path(folder) / "journal")
        record_lesson(recorded, Screen(), pace=0)
        turns = _turns([*recorded.read()])
        recorded.close()
    rules_file = journal.path.with_name("alerts.toml")
    rules_file.parent.mkdir(parents=True, exist_ok=True)
    rules_file.write_text(_RULES)
    rules, moment = load_rules(rules_file), now - timedelta(days=days)
    journal.write(_plan(moment))
    clock = [moment]
    with open_watch(journal, rules, (), zone=zone, now=lambda: clock[0]) as watch:
        for day in range(days):
            for fact in _day(turns, now.astimezone(zone), days - day - 1, dice):
                journal.write(fact)
            clock[0] = now - timedelta(days=days - day - 1)
            watch.round()
    journal.close()


def _turns(facts: list[Fact]) -> list[list[Fact]]:
    """The facts of each turn, with what was said of it."""
    by_turn: dict[str | None, list[Fact]] = {}
    for fact in facts:
        by_turn.setdefault(fact.trace_id, []).append(fact)
    return [*by_turn.values()]


def _day(turns: list[list[Fact]], now: datetime, days_ago: int, dice: random.Random) -> Iterator[Fact]:
    """One day's lessons, most in the afternoon, none after `now`.

    They are fewer at the weekend, but today and yesterday: whenever it is, some incident is open.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days_ago)
    lessons = 1 if midnight.weekday() >= 5 and days_ago > 1 else 2 + (days_ago < 10) + dice.randrange(2)
    for lesson in range(lessons):
        for number, turn in enumerate(turns):
            began = midnight + timedelta(hours=min(23.5, max(0.2, dice.gauss(15, 4))))
            if began > now or dice.random() < 0.35:
                continue
            shift, slower = began.astimezone(UTC) - turn[0].started_at, dice.lognormvariate(0, 0.35)
            copy = f"{days_ago} {lesson} {number}"
            user = f"user_{dice.randrange(60):03d}"
            variant = _VARIANTS[int(user[-3:]) % 2]
            for fact in turn:
                yield _again(fact, copy, shift, slower, user, variant)
            yield Exposure(
                event_id=_id(f"exposure {copy}"),
                started_at=began.astimezone(UTC),
                experiment="tutor_tone",
                user_id=user,
                prompt_variant=variant,
                trace_id=None if turn[0].trace_id is None else _id(turn[0].trace_id + copy),
            )


def _again(  # noqa: PLR0917
    fact: Fact, copy: str, shift: timedelta, slower: float, user: str, variant: str
) -> Fact:
    changes: dict[str, object] = {"started_at": fact.started_at + shift, "user_id": user}
    for name in _IDS:
        known = getattr(fact, name, None)
        if known is not None:
            changes[name] = _id(known + copy)
    if fact.session_id is not None:
        changes["session_id"] = f"{fact.session_id} {copy}"
    if isinstance(fact, LLMCall):
        base = 2600.0 if "mini" not in (fact.served_model or "") else 700.0
        changes["latency_ms"] = round(base * slower, 3)
    if isinstance(fact, (LLMCall, Feedback)):
        changes["prompt_variant"] = variant
    return fact.model_copy(update=changes)


def _id(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _plan(moment: datetime) -> PromptExperimentPlan:
    return PromptExperimentPlan(
        event_id=_id("plan"),
        started_at=moment,
        experiment="tutor_tone",
        weights=dict.fromkeys(_VARIANTS, 0.5),
        primary_metric="satisfaction",
        minimum_effect=0.05,
        significance=0.05,
        power=0.8,
        planned_looks=28,
    )
