"""Gathers from facts what an experiment is judged by: who was given what, and what became of it, day by day.

A reaction or a call belongs to a learner's exposure where it carries the learner's variant, else by the
turn (`trace_id`) of an exposure, else by the latest exposure on its question in its session, else of its
user.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Exposure, Fact, Feedback, LLMCall, PromptExperimentPlan
from examsgraph_callbacks.experiments.metrics import METRICS, MetricName
from examsgraph_callbacks.experiments.ratios import Sums
from examsgraph_callbacks.measure import Meter

__all__ = ["ArmEvidence", "Evidence", "gather"]


@dataclass(slots=True)
class ArmEvidence:
    """One variant's learners: how many, their exposures, and how many exposures had a reaction.

    `days` has, for each metric, the sums as they stood at the end of each day (UTC), None before there
    was anything to tell.
    """

    learners: int
    exposures: int
    answered: int
    days: dict[MetricName, tuple[Sums | None, ...]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the facts say of one experiment up to the end of its last whole day.

    `plan` is the first of its name, and `replanned` whether a later one says otherwise. `mixed` counts the
    learners who were given several variants, who are in no arm; `unpriced` the calls without a price.
    """

    plan: PromptExperimentPlan
    replanned: bool
    began: datetime
    days: tuple[date, ...]
    arms: dict[str, ArmEvidence]
    mixed: int
    unpriced: int


@dataclass(slots=True)
class _Learner:
    variant: str
    mixed: bool = False
    sums: dict[MetricName, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Outcome:
    at: datetime
    user_id: str
    metric: MetricName
    y: float
    m: float
    tells: bool
    """Whether it says something; an exposure only counts what may be said."""


def gather(facts: Iterable[Fact], experiment: str, now: datetime, meter: Meter | None = None) -> Evidence:
    """The evidence on `experiment` among `facts`, which come in the order in which they were written.

    Only whole days count, so that the looks are the same whoever looks, and however often: what was written
    on the day of `now` (UTC) is left for tomorrow. Raises `InvalidInputError` where it is not among them.
    """
    gathering = _Gathering(experiment, now, meter or Meter())
    names: Counter[str] = Counter()
    for fact in facts:
        if isinstance(fact, PromptExperimentPlan):
            names[fact.experiment] += 1
        gathering.add(fact)
    if gathering.plan is None:
        found = ", ".join(names) or "none"
        raise InvalidInputError(
            f"expected exposures of the experiment {experiment!r} in the journal, found {found}: "
            "hand its prompts out first, or name one of those",
        )
    return gathering.evidence(gathering.plan)


class _Gathering:
    def __init__(self, experiment: str, now: datetime, meter: Meter) -> None:
        self.plan: PromptExperimentPlan | None = None
        self._experiment = experiment
        self._end = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._meter = meter
        self._replanned = False
        self._learners: dict[str, _Learner] = {}
        self._turns: dict[str, str] = {}
        self._questions: dict[tuple[str, str | None, str], str] = {}
        self._exposures: list[Exposure] = []
        self._reactions: dict[str, set[tuple[str | None, str | None]]] = defaultdict(set)
        self._outcomes: list[_Outcome] = []
        self._unpriced = 0

    def add(self, fact: Fact) -> None:
        if isinstance(fact, PromptExperimentPlan):
            if fact.experiment == self._experiment:
                self._settle(fact)
        elif isinstance(fact, Exposure):
            if fact.experiment == self._experiment and fact.ended_at < self._end:
                self._expose(fact)
        elif fact.ended_at < self._end:
            if isinstance(fact, Feedback):
                self._react(fact)
            elif isinstance(fact, LLMCall):
                self._call(fact)

    def _settle(self, plan: PromptExperimentPlan) -> None:
        if self.plan is None:
            self.plan = plan
        else:
            self._replanned |= _settled(plan) != _settled(self.plan)

    def _expose(self, exposure: Exposure) -> None:
        user_id, variant = exposure.user_id, exposure.prompt_variant
        if user_id is None or variant is None:
            return
        learner = self._learners.setdefault(user_id, _Learner(variant))
        learner.mixed |= learner.variant != variant
        self._exposures.append(exposure)
        if exposure.trace_id is not None:
            self._turns[exposure.trace_id] = user_id
        if exposure.question_id is not None:
            self._questions["session", exposure.session_id, exposure.question_id] = user_id
            self._questions["user", user_id, exposure.question_id] = user_id
        for metric in ("followup_rate", "cost_usd"):
            self._count(exposure, user_id, metric, 0.0, 1.0, tells=False)

    def _react(self, feedback: Feedback) -> None:
        user_id = self._learner_of(feedback)
        if user_id is None:
            return
        self._reactions[user_id].add((feedback.session_id, feedback.question_id or feedback.trace_id))
        asks = feedback.feedback_type == "followup_question"
        self._count(feedback, user_id, "followup_rate", float(asks), 0.0)
        if not asks:
            up = float(feedback.feedback_type == "thumbs_up")
            self._count(feedback, user_id, "satisfaction", up, 1.0)
        if feedback.understanding_score is not None:
            self._count(feedback, user_id, "understanding", float(feedback.understanding_score), 1.0)

    def _call(self, call: LLMCall) -> None:
        user_id = self._learner_of(call)
        if user_id is None:
            return
        cost = self._meter.measure(call).cost_usd
        if cost is None:
            self._unpriced += 1
        else:
            self._count(call, user_id, "cost_usd", float(cost), 0.0)
        self._count(call, user_id, "latency_ms", call.latency_ms, 1.0)

    def _count(
        self, fact: Fact, user_id: str, metric: MetricName, y: float, m: float, *, tells: bool = True
    ) -> None:
        self._outcomes.append(_Outcome(fact.ended_at, user_id, metric, y, m, tells))

    def _learner_of(self, fact: Fact) -> str | None:
        """The learner whose exposure the fact belongs to; None where it belongs to none."""
        if fact.prompt_variant is not None and fact.user_id is not None:
            learner = self._learners.get(fact.user_id)
            if learner is not None and fact.prompt_variant == learner.variant:
                return fact.user_id
        # it may carry the variant of another experiment, whose block stood within this one's
        if fact.trace_id in self._turns:
            return self._turns[fact.trace_id]
        if fact.question_id is None:
            return None
        in_session = self._questions.get(("session", fact.session_id, fact.question_id))
        if fact.session_id is not None and in_session is not None:
            return in_session
        return self._questions.get(("user", fact.user_id, fact.question_id))

    def evidence(self, plan: PromptExperimentPlan) -> Evidence:
        exposures: Counter[str] = Counter()
        learners: Counter[str] = Counter()
        for exposure in self._exposures:
            if exposure.user_id is not None and not self._learners[exposure.user_id].mixed:
                exposures[self._learners[exposure.user_id].variant] += 1
        answered: Counter[str] = Counter()
        for user_id, learner in self._learners.items():
            if not learner.mixed:
                learners[learner.variant] += 1
                answered[learner.variant] += len(self._reactions[user_id])
        days = self._days()
        sums = self._sums(days, [*plan.weights])
        return Evidence(
            plan=plan,
            replanned=self._replanned,
            began=min((each.started_at for each in self._exposures), default=plan.started_at),
            days=days,
            arms={
                name: ArmEvidence(
                    learners=learners[name],
                    exposures=exposures[name],
                    answered=min(answered[name], exposures[name]),
                    days={metric: tuple(sums[name, metric]) for metric in METRICS},
                )
                for name in plan.weights
            },
            mixed=sum(learner.mixed for learner in self._learners.values()),
            unpriced=self._unpriced,
        )

    def _days(self) -> tuple[date, ...]:
        if not self._exposures:
            return ()
        first = min(exposure.ended_at for exposure in self._exposures).astimezone(UTC).date()
        return tuple(first + timedelta(days=number) for number in range((self._end.date() - first).days))

    def _sums(
        self, days: tuple[date, ...], variants: list[str]
    ) -> dict[tuple[str, MetricName], list[Sums | None]]:
        """The sums of each arm and metric at the end of each day, kept up to date outcome by outcome."""
        by_day: defaultdict[date, list[_Outcome]] = defaultdict(list)
        for outcome in self._outcomes:
            by_day[outcome.at.astimezone(UTC).date()].append(outcome)
        running = {(name, metric): _Running() for name in variants for metric in METRICS}
        at_end: dict[tuple[str, MetricName], list[Sums | None]] = {key: [] for key in running}
        for day in days:
            for outcome in by_day[day]:
                learner = self._learners[outcome.user_id]
                if learner.mixed or (learner.variant, outcome.metric) not in running:
                    continue
                before = learner.sums.get(outcome.metric, (0.0, 0.0))
                after = before[0] + outcome.y, before[1] + outcome.m
                learner.sums[outcome.metric] = after
                running[learner.variant, outcome.metric].change(before, after, tells=outcome.tells)
            for key, sums in running.items():
                at_end[key].append(sums.sums())
        return at_end


class _Running:
    """Sums over learners, changed as a learner's own change."""

    def __init__(self) -> None:
        self._learners = 0
        self._totals = [0.0] * 5
        self._told = False

    def change(self, before: tuple[float, float], after: tuple[float, float], *, tells: bool) -> None:
        self._learners += before[1] == 0 < after[1]
        self._told |= tells
        for place, (new, old) in enumerate(zip(_moments(*after), _moments(*before), strict=True)):
            self._totals[place] += new - old

    def sums(self) -> Sums | None:
        y, m, yy, ym, mm = self._totals
        if not self._told or self._learners < 2 or m <= 0:
            return None
        return Sums(self._learners, y, m, yy, ym, mm)


def _moments(y: float, m: float) -> tuple[float, float, float, float, float]:
    return y, m, y * y, y * m, m * m


def _settled(plan: PromptExperimentPlan) -> tuple[object, ...]:
    """What may not change while an experiment runs."""
    shares = {name: round(weight, 6) for name, weight in plan.weights.items()}
    return (
        list(shares.items()),
        plan.prompt_variants,
        plan.primary_metric,
        plan.minimum_effect,
        plan.significance,
        plan.power,
    )
