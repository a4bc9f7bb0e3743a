"""What new facts add to the counters, from columns, many at once."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from examsgraph_callbacks.analytics.feedback import FAILING_SCORE
from examsgraph_callbacks.analytics.tables import tables_of
from examsgraph_callbacks.counters.calls import count_calls, distribute
from examsgraph_callbacks.counters.state import State
from examsgraph_callbacks.counters.subjects import Subjects
from examsgraph_callbacks.counters.sums import Sums
from examsgraph_callbacks.events import Exposure, PromptComparison, PromptScore
from examsgraph_callbacks.journal.reader import read_line
from examsgraph_callbacks.measure import Meter

__all__ = ["Additions"]

_OF_PROMPTS = pa.array(["exposure", "prompt_comparison", "prompt_score"])
_OF_FEEDBACK = (
    "trace_id",
    "session_id",
    "question_id",
    "concept",
    "wrong_concept",
    "prompt_variant",
    "feedback_type",
    "understanding_score",
)


class Additions:
    """Adds facts to `sums`, and to what `state` remembers; `facts` were added.

    `today` is the ordinal of the zone's day, by which what is old is dropped.
    """

    def __init__(self, state: State, sums: Sums, meter: Meter, zone: ZoneInfo, today: int) -> None:
        self._sql = state.sql
        self._sums = sums
        self._meter = meter
        self._zone = zone
        self._today = today
        self._feedback: list[dict[str, object]] = []
        self.subjects = Subjects(state.sql)
        self.facts = 0

    def add(self, facts: pa.Table) -> None:
        """Add facts, as `read_columns` gives them."""
        facts = facts.filter(facts["kind"].is_valid())
        self.facts += facts.num_rows
        if not facts.num_rows:
            return
        tables = tables_of(facts, self._meter)
        count_calls(self._sums, tables["calls"])
        self._add_spending(tables["calls"])
        self._add_explorations(tables["explorations"])
        self._remember(tables)
        feedback = facts.filter(pc.equal(facts["kind"], "feedback")).select(_OF_FEEDBACK)
        self._feedback += feedback.to_pylist()
        for line in facts.filter(pc.is_in(facts["kind"], _OF_PROMPTS))["line"].to_pylist():
            self._add_prompts(line)

    def settle(self) -> None:
        """Count the feedback, whose turns may stand in another process's segment: all are read now."""
        for feedback in self._feedback:
            self._sums.count("examsgraph_feedback", (str(feedback["feedback_type"]),))
            score = feedback["understanding_score"]
            if not isinstance(score, int):
                continue
            concept, variant = self.subjects.of(feedback)
            self._sums.observe("examsgraph_understanding_score", (concept,), 1, score)
            poor = int(score <= FAILING_SCORE)
            # with a series for what has not happened yet, its first time is an increase
            self._sums.count("examsgraph_poor_understanding", (concept,), poor)
            if variant is not None:
                self._sums.observe("examsgraph_prompt_understanding_score", (variant,), 1, score)
        self._feedback.clear()
        self.subjects.forget_old(self._today)
        self._sql.execute("delete from spent where day < ?", (self._today - 1,))

    def spent_today(self) -> Decimal:
        """What this calendar day's calls cost so far, in USD."""
        return self._spent_on(self._today)

    def _spent_on(self, day: int) -> Decimal:
        row = self._sql.execute("select usd from spent where day = ?", (day,)).fetchone()
        return Decimal(row[0]) if row else Decimal(0)

    def _add_spending(self, calls: pa.Table) -> None:
        # the zone's yesterday, today and tomorrow: whose clock is wrong must not be in the way
        around = [datetime.fromordinal(self._today + days) for days in (-2, 3)]
        began = calls["started_at"]
        calls = calls.filter(pc.and_(pc.greater_equal(began, around[0]), pc.less(began, around[1])))
        if not calls.num_rows:
            return
        local = pc.local_timestamp(pc.assume_timezone(calls["started_at"], "UTC").cast(self._local))
        days = pa.table({"day": pc.cast(local, pa.date32()), "usd": calls["cost_usd"]})
        for row in days.group_by("day").aggregate([("usd", "sum")]).to_pylist():
            if row["usd_sum"]:
                day = row["day"].toordinal()
                usd = self._spent_on(day) + row["usd_sum"]
                self._sql.execute("insert or replace into spent values (?, ?)", (day, str(usd)))

    @property
    def _local(self) -> pa.DataType:
        return pa.timestamp("us", self._zone.key)

    def _add_explorations(self, explorations: pa.Table) -> None:
        if not explorations.num_rows:
            return
        for each in explorations.group_by("status").aggregate([([], "count_all")]).to_pylist():
            self._sums.count("examsgraph_explorations", (each["status"],), each["count_all"])
        well = explorations.filter(pc.not_equal(explorations["status"], "error"))
        for column, name in (
            ("path_length", "examsgraph_path_length_hops"),
            ("exploration_depth", "examsgraph_exploration_depth_hops"),
        ):
            distribute(self._sums, name, (), well[column].to_numpy())
        judged = explorations.filter(explorations["anomalous_hops"].is_valid())
        sums = judged.group_by("wrong_concept").aggregate([("path_length", "sum"), ("anomalous_hops", "sum")])
        for each in sums.to_pylist():
            self._sums.count("examsgraph_path_hops", (each["wrong_concept"],), each["path_length_sum"])
            self._sums.count("examsgraph_stray_hops", (each["wrong_concept"],), each["anomalous_hops_sum"])

    def _remember(self, tables: dict[str, pa.Table]) -> None:
        turns, calls, walks = tables["turns"], tables["calls"], tables["explorations"]
        told = turns.filter(turns["wrong_concept"].is_valid()).select(
            ["trace_id", "wrong_concept", "started_at"]
        )
        self.subjects.remember_turns(
            {
                "trace_id": row["trace_id"],
                "concept": row["wrong_concept"],
                "variant": None,
                "day": _day(row["started_at"]),
            }
            for row in told.to_pylist()
        )
        under = calls.filter(pc.and_(calls["prompt_variant"].is_valid(), calls["trace_id"].is_valid()))
        self.subjects.remember_turns(
            {
                "trace_id": row["trace_id"],
                "concept": None,
                "variant": row["prompt_variant"],
                "day": _day(row["started_at"]),
            }
            for row in under.select(["trace_id", "prompt_variant", "started_at"]).to_pylist()
        )
        named = [walks[name].is_valid() for name in ("session_id", "question_id", "wrong_concept")]
        sought = walks.filter(pc.and_(pc.and_(named[0], named[1]), named[2]))
        self.subjects.remember_questions(
            {**row, "concept": row["wrong_concept"], "day": _day(row["started_at"])}
            for row in sought.select(["session_id", "question_id", "wrong_concept", "started_at"]).to_pylist()
        )

    def _add_prompts(self, line: bytes) -> None:
        fact = read_line(line)
        if isinstance(fact, Exposure):
            self._sums.count("examsgraph_prompt_exposures", (fact.experiment, fact.prompt_variant))
        elif isinstance(fact, PromptScore):
            self._sums.observe("examsgraph_prompt_score", (fact.prompt_variant,), 1, fact.score)
        elif isinstance(fact, PromptComparison):
            for variant, response in fact.generated_responses.items():
                self._sums.observe(
                    "examsgraph_prompt_response_length_characters", (variant,), 1, len(response)
                )
            for variant, score in fact.manual_scores.items():
                self._sums.observe("examsgraph_prompt_score", (variant,), 1, score)


def _day(moment: datetime) -> int:
    return moment.toordinal()
