"""What somebody wants to know about: a period, a user, a concept, or any of these together."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from examsgraph_callbacks.analytics.answers import Period
from examsgraph_callbacks.analytics.feedback import FeedbackTally
from examsgraph_callbacks.events import Exploration, Fact, Feedback

__all__ = ["Sought", "sift"]


@dataclass(frozen=True, slots=True)
class Sought:
    """From `since` until before `until`, of `user_id`, about `concept`; None: of whatever there is."""

    since: datetime | None = None
    until: datetime | None = None
    user_id: str | None = None
    concept: str | None = None

    def period(self, zone: ZoneInfo) -> Period:
        """The period; a time without a zone is told by the clock of `zone`."""
        return Period(since=_told_by(self.since, zone), until=_told_by(self.until, zone))


def sift(read: Callable[[], Iterable[Fact]], sought: Sought, zone: ZoneInfo) -> Iterator[Fact]:
    """The facts that are sought, of those that `read()` yields; read twice where a concept is."""
    period = sought.period(zone)
    about = None if sought.concept is None else _about(read(), sought.concept)
    for fact in read():
        if (
            (period.since is None or fact.started_at >= period.since)
            and (period.until is None or fact.started_at < period.until)
            and sought.user_id in (None, fact.user_id)
            and (about is None or about(fact))
        ):
            yield fact


def _about(facts: Iterable[Fact], concept: str) -> Callable[[Fact], bool]:
    """Whether a fact concerns the concept: feedback on it, explorations from it, and turns that missed it."""
    tally = FeedbackTally()
    feedback: set[str] = set()
    turns: set[str] = set()
    for fact in facts:
        tally.add(fact)
        if isinstance(fact, Feedback):
            if tally.concept_of(fact) == concept:
                feedback.add(fact.event_id)
        elif fact.wrong_concept == concept and fact.trace_id is not None:
            turns.add(fact.trace_id)

    def concerns(fact: Fact) -> bool:
        if isinstance(fact, Feedback):
            return fact.event_id in feedback
        if fact.wrong_concept == concept:
            return True
        return not isinstance(fact, Exploration) and fact.trace_id in turns

    return concerns


def _told_by(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    return moment.replace(tzinfo=zone) if moment is not None and moment.tzinfo is None else moment
