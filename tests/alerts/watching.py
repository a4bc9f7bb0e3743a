"""A watch under a clock that is handed in, over a journal of a test's own, and facts at its moments."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from examsgraph_callbacks.alerts import Channel, Round, Rules, open_watch
from examsgraph_callbacks.events import Feedback, LLMCall
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import BEGAN, feedback, hex_id, llm_call

__all__ = ["SEOUL", "Watching", "costly_call", "not_understood"]

SEOUL = ZoneInfo("Asia/Seoul")


class Watching:
    """Rounds over `journal`, each as a process of its own would do it; `now` is the clock."""

    def __init__(self, folder: Path, channels: Sequence[Channel] = (), rules: Rules | None = None) -> None:
        self.journal = Journal(folder / "journal")
        self.channels = channels
        self.rules = rules or Rules()
        self.now = datetime(2026, 1, 15, 12, tzinfo=UTC)
        self.lag: timedelta | None = None

    def round(self) -> Round:
        with open_watch(
            self.journal,
            self.rules,
            self.channels,
            zone=SEOUL,
            link=lambda kind, subject: f"http://mlflow.test/{kind}/{subject}",
            lag=lambda: self.lag,
            now=lambda: self.now,
        ) as watch:
            return watch.round()

    def told(self) -> list[str]:
        """What a round has to tell."""
        return [notice.headline for notice in self.round().notices]

    def pass_by(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def seconds(self) -> float:
        """Where the clock stands, for the factories of facts."""
        return (self.now - BEGAN).total_seconds()


def not_understood(
    watching: Watching, count: int, concept: str | None = "정규화", **fields: object
) -> list[Feedback]:
    """So many feedbacks of a score of 2, now, written to the journal."""
    written = []
    for number in range(count):
        changes: dict[str, object] = {"concept": concept, "question_id": f"q_{number:03}", **fields}
        name = f"{concept} {number} {watching.now.isoformat()}"
        fact = feedback(name, after_seconds=watching.seconds(), **changes)
        watching.journal.write(fact)
        written.append(fact)
    return written


def costly_call(watching: Watching, usd: str | None, name: str = "call", **fields: Any) -> LLMCall:
    """A call now that cost so much (None: of a model without a price), written to the journal."""
    price: dict[str, Any] = (
        {"served_model": "우리모델-7b", "requested_model": "우리모델-7b", "provider": "자체"}
        if usd is None
        else {"stated_cost_usd": usd}
    )
    made = llm_call(
        name, after_seconds=watching.seconds(), event_id=hex_id(f"{name} {watching.now}"), **(price | fields)
    )
    watching.journal.write(made)
    return made
