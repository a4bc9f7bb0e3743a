"""Counts new facts: by minute what the rules of a window ask for, by day what calls cost."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from sqlite3 import Connection
from zoneinfo import ZoneInfo

from examsgraph_callbacks.analytics import own_concept
from examsgraph_callbacks.events import EmbeddingCall, Exploration, Fact, Feedback, LLMCall, Trace
from examsgraph_callbacks.measure import Meter, measure_path, model_family

__all__ = ["Counted", "count_new", "day_of", "minute_of"]

_TEXT = 200  # characters of a question that a message may show
_UNKNOWN_MODEL = "unknown model"


@dataclass(slots=True)
class _Sum:
    matching: int = 0
    total: int = 0
    usd: Decimal = Decimal(0)

    def add(self, *, matches: bool, usd: Decimal | None = None) -> None:
        self.matching += matches
        self.total += 1
        self.usd += usd or 0


@dataclass(slots=True)
class Counted:
    """What one look added: how many facts, and the slots of each (measure, subject) that changed."""

    facts: int = 0
    touched: dict[tuple[str, str], set[int]] = field(default_factory=dict)


def minute_of(moment: datetime) -> int:
    """Minutes since 1970 (UTC)."""
    return int(moment.timestamp() // 60)


def day_of(moment: datetime, zone: ZoneInfo) -> int:
    """The calendar day by the zone's clock, as its ordinal."""
    return moment.astimezone(zone).toordinal()


def count_new(
    sql: Connection, facts: Iterable[Fact], meter: Meter, zone: ZoneInfo, since: datetime
) -> Counted:
    """Add the facts that ended after `since` to what was counted before, within the caller's transaction.

    What a feedback is about is looked up when all are read: its turn may stand in another process's segment.
    """
    counting = _Counting(sql, meter, zone)
    counted = Counted()
    for fact in facts:
        counted.facts += 1
        if fact.ended_at > since:
            counting.add(fact)
    counting.settle()
    for measure, subject, slot in counting.sums:
        counted.touched.setdefault((measure, subject), set()).add(slot)
    return counted


class _Counting:
    def __init__(self, sql: Connection, meter: Meter, zone: ZoneInfo) -> None:
        self._sql = sql
        self._meter = meter
        self._zone = zone
        self._feedbacks: list[Feedback] = []
        self.sums: dict[tuple[str, str, int], _Sum] = {}

    def add(self, fact: Fact) -> None:
        if isinstance(fact, Feedback):
            if fact.understanding_score is not None:
                self._feedbacks.append(fact)
            return
        if isinstance(fact, (LLMCall, EmbeddingCall)):
            self._add_call(fact)
        if isinstance(fact, Exploration):
            self._add_walk(fact)
        self._remember(fact)

    def settle(self) -> None:
        for feedback in self._feedbacks:
            self._add_score(feedback)
        self._sql.executemany(
            "insert into tally values (?, ?, ?, ?, ?, ?) on conflict do update set "
            "matching = matching + excluded.matching, total = total + excluded.total, usd = excluded.usd",
            self._rows(),
        )

    def _rows(self) -> Iterator[tuple[str, str, int, int, int, str]]:
        for (measure, subject, slot), added in self.sums.items():
            # exact decimals are text, which SQLite cannot add up
            before = self._sql.execute(
                "select usd from tally where measure = ? and subject = ? and slot = ?",
                (measure, subject, slot),
            ).fetchone()
            usd = added.usd + Decimal(before[0] if before else 0)
            yield measure, subject, slot, added.matching, added.total, str(usd)

    def _count(
        self, measure: str, subject: str, slot: int, *, matches: bool, usd: Decimal | None = None
    ) -> None:
        self.sums.setdefault((measure, subject, slot), _Sum()).add(matches=matches, usd=usd)

    def _add_call(self, call: LLMCall | EmbeddingCall) -> None:
        minute, day = minute_of(call.ended_at), day_of(call.started_at, self._zone)
        measured = self._meter.measure(call)
        model = model_family(call.served_model or call.requested_model or _UNKNOWN_MODEL)
        # what failed before it used anything has no cost to miss
        unpriced = measured.cost_usd is None and call.status != "error"
        for measure, subject in (("usd", ""), ("usd_model", model), ("usd_user", call.user_id)):
            if subject is not None:
                self._count(measure, subject, day, matches=unpriced, usd=measured.cost_usd)
        self._count("unpriced", model, minute, matches=unpriced)
        self._count("error_rate", "", minute, matches=call.status == "error")
        if isinstance(call, LLMCall):
            misrouted = self._meter.measure(call).misrouted
            if misrouted is not None:
                self._count("misroute_rate", "", minute, matches=misrouted)

    def _add_walk(self, exploration: Exploration) -> None:
        measured = measure_path(exploration)
        if measured.anomalous_hops is None:
            return
        minute, stray = minute_of(exploration.ended_at), len(measured.anomalous_hops)
        for number in range(measured.path_length):
            self._count("stray_hop_rate", "", minute, matches=number < stray)

    def _add_score(self, feedback: Feedback) -> None:
        concept, question = self._concept_of_turn(feedback)
        if concept is None:
            return
        minute, score = minute_of(feedback.started_at), feedback.understanding_score
        self._count(f"understanding_{score}", concept, minute, matches=True)
        self._sql.execute(
            "insert or replace into example values (?, ?, ?, ?, ?, ?, ?)",
            (
                feedback.event_id,
                concept,
                minute,
                feedback.question_id,
                _short(question),
                _short(feedback.followup_text),
                score,
            ),
        )

    def _concept_of_turn(self, feedback: Feedback) -> tuple[str | None, str | None]:
        """Its own concept, else its turn's, else that of its session's latest exploration on the question."""
        nobody: tuple[str | None, str | None] = (None, None)
        of_turn = self._sql.execute(
            "select concept, question from turn where trace_id = ?", (feedback.trace_id,)
        ).fetchone()
        of_question = self._sql.execute(
            "select concept, question from question where session_id = ? and question_id = ?",
            (feedback.session_id, feedback.question_id),
        ).fetchone()
        (turn, asked), (walked, sought) = of_turn or nobody, of_question or nobody
        return own_concept(feedback) or turn or walked, asked or sought

    def _remember(self, fact: Fact) -> None:
        concept, question = fact.wrong_concept, _question(fact)
        if concept is None and question is None:
            return
        minute = minute_of(fact.ended_at)
        if fact.trace_id is not None:
            self._sql.execute(
                "insert into turn values (?, ?, ?, ?) on conflict do update set "
                "concept = ifnull(excluded.concept, concept), question = ifnull(question, excluded.question)",
                (fact.trace_id, concept, _short(question), minute),
            )
        if isinstance(fact, Exploration) and concept and fact.session_id and fact.question_id:
            self._sql.execute(
                "insert or replace into question values (?, ?, ?, ?, ?)",
                (fact.session_id, fact.question_id, concept, _short(question), minute),
            )


def _question(fact: Fact) -> str | None:
    """What was asked, as far as the fact holds it."""
    if isinstance(fact, Exploration):
        return fact.query
    if not isinstance(fact, Trace) or fact.inputs is None:
        return None
    if isinstance(fact.inputs, dict):
        asked = fact.inputs.get("question", fact.inputs.get("input"))
        return asked if isinstance(asked, str) else json.dumps(fact.inputs, ensure_ascii=False)
    return fact.inputs if isinstance(fact.inputs, str) else None


def _short(text: str | None) -> str | None:
    if text is None:
        return None
    text = " ".join(text.split())
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"
