"""A model judges pairs of answers, each twice with the places swapped.

A judge that prefers a place is no judge. An answer wins where it wins in both places, as in Zheng and others,
NeurIPS 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena"; a pair that is judged otherwise once
its places are swapped is a tie, and counted. What a model prefers is not what teaches: it is no verdict, and
stands beside the scores of people.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from examsgraph_callbacks.capture import Clock, Privacy
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Fact, LLMCall, PromptComparison, PromptScore
from examsgraph_callbacks.experiments.checks import Share, response_rate
from examsgraph_callbacks.experiments.comparing import tag_of
from examsgraph_callbacks.experiments.costs import JUDGING, ListeningJournal, Spending
from examsgraph_callbacks.experiments.opinions import Judge, Judgement, Pair, agreed
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter

__all__ = ["Judged", "Judging", "Spent"]


@dataclass(frozen=True, slots=True)
class Judged:
    """How a variant fared against the control: a tie is half a win.

    `contradicted` counts the pairs of which the judge preferred the same place both times (or a place once),
    which are ties, `unjudged` those that have no score, which are not in `pairs`. `win_rate` is of the pairs
    that were no ties.
    """

    variant: str
    control: str
    pairs: int
    wins: int
    losses: int
    contradicted: int
    unjudged: int
    win_rate: Share | None

    @property
    def contradicted_share(self) -> float | None:
        """The part of the pairs that the swap contradicted, from 0 to 1; None where there are none."""
        return self.contradicted / self.pairs if self.pairs else None


@dataclass(frozen=True, slots=True)
class Spent:
    """What a judge's calls cost; `cost_usd` is of those that have a price, None where none has."""

    calls: int = 0
    unpriced: int = 0
    cost_usd: Decimal | None = None


class Judging:
    """The judging of the comparisons of one name in a journal; `judge` may be called by several threads.

    What this judge has judged before is taken from the journal and asked no more. With `budget_usd`, for all
    answers and judgements of that name together, nothing more is asked once another pair as dear as the
    dearest might exceed it, or a call has no price.

    Raises `InvalidInputError` where there is nothing to judge.
    """

    def __init__(
        self,
        name: str,
        judge: Judge,
        journal: Journal,
        *,
        budget_usd: Decimal | None = None,
        meter: Meter | None = None,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        self.name = name
        self.judge_name = judge.name
        self.failed: list[str] = []
        self.unasked = 0
        self.reused = 0
        meter = meter or Meter()
        self._spending = Spending(budget_usd, meter)
        self._judges_own = Spending(None, meter)
        self._calls = 0
        self._ask = judge.ask
        self._plain_journal = journal
        self._journal = ListeningJournal(journal, self._heard)
        self._privacy = Privacy.configured()
        self._clock = Clock()
        self._on_progress = on_progress
        self._known: dict[tuple[str, str], Judgement] = {}
        self._judgements: dict[tuple[str, str], Judgement] = {}
        self._changed = threading.Condition()
        self._running = 0
        self._stopped = False
        self.pairs = self._read(journal.read())
        if not self.pairs:
            raise InvalidInputError(
                f"expected comparisons of {name!r} with two answers or more in the journal, found none: run  "
                "examsgraph experiment run",
            )

    def judge(self, pair: Pair) -> Judgement:
        """Judge a pair, or say what is known of it; never raises for what goes wrong with the judge."""
        known = self._known.get(pair.key)
        judgement = known or (self._judge(pair) if self._begin() else self._unasked())
        with self._changed:
            self.reused += known is not None
            self._judgements[pair.key] = judgement
            self._on_progress(len(self._judgements), len(self.pairs))
        return judgement

    def stop(self) -> None:
        """Ask no more, whoever waits to."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def total_usd(self) -> Decimal | None:
        """What all answers and judgements of that name have cost, ever; None where none had a price."""
        return self._spending.cost_usd

    @property
    def unpriced(self) -> int:
        """How many calls of that name had no price, ever."""
        return self._spending.unpriced

    def spent(self, since: Spent | None = None) -> Spent:
        """What the judge has cost now, or since then; what it cost in earlier processes is not in it."""
        with self._changed:
            now = Spent(self._calls, self._judges_own.unpriced, self._judges_own.cost_usd)
        if since is None:
            return now
        cost = None if now.cost_usd is None else now.cost_usd - (since.cost_usd or 0)
        return Spent(now.calls - since.calls, now.unpriced - since.unpriced, cost)

    def results(self) -> tuple[Judged, ...]:
        """How the variants fared, in their order."""
        return tuple(self.result(name) for name in dict.fromkeys(pair.variant for pair in self.pairs))

    def result(self, variant: str) -> Judged:
        """How a variant fared."""
        pairs = [pair for pair in self.pairs if pair.variant == variant]
        given = [self._judgements.get(pair.key, Judgement(None)) for pair in pairs]
        scores = [each.score for each in given if each.score is not None]
        wins, losses = scores.count(1.0), scores.count(0.0)
        return Judged(
            variant=variant,
            control=pairs[0].control,
            pairs=len(scores),
            wins=wins,
            losses=losses,
            contradicted=sum(each.position_consistent is False for each in given),
            unjudged=len(given) - len(scores),
            win_rate=response_rate(wins, wins + losses),
        )

    def _read(self, facts: Iterable[Fact]) -> tuple[Pair, ...]:
        """The pairs, and what is known of them and was spent on them."""
        tag = tag_of(self.name)
        comparisons: list[PromptComparison] = []
        for fact in facts:
            if isinstance(fact, PromptScore):
                self._remember(fact)
            elif tag not in fact.tags:
                continue
            elif isinstance(fact, PromptComparison):
                comparisons.append(fact)
            elif isinstance(fact, LLMCall):
                self._spending.count(fact, typical=fact.task_type == JUDGING)
        return tuple(Pair(each, name) for each in comparisons for name in [*each.generated_responses][1:])

    def _remember(self, fact: PromptScore) -> None:
        if fact.scorer == "judge" and fact.judge == self.judge_name and fact.prompt_variant is not None:
            known = Judgement(fact.score, fact.position_consistent, fact.rationale)
            self._known[fact.comparison_id, fact.prompt_variant] = known

    def _heard(self, call: LLMCall) -> None:
        with self._changed:
            self._spending.count(call)
            self._judges_own.count(call)
            self._calls += 1

    def _begin(self) -> bool:
        """Wait until it is known whether there is room for another pair, and take it."""
        with self._changed:
            while self._running and not self._stopped and not self._has_room():
                self._changed.wait()
            if self._stopped or not self._has_room():
                return False
            self._running += 1
            return True

    def _has_room(self) -> bool:
        # the first pair alone tells what one costs
        return (self._spending.knows_cost or not self._running) and self._spending.has_room(
            2 * (self._running + 1)
        )

    def _unasked(self) -> Judgement:
        with self._changed:
            self.unasked += 1
        return Judgement(None, problem="not asked: the budget has no room for it")

    def _judge(self, pair: Pair) -> Judgement:
        try:
            ahead, behind = (
                self._ask(pair.placed(control_first=first, tags=(tag_of(self.name),)), self._journal)
                for first in (False, True)
            )
        except Exception as error:  # noqa: BLE001 - whatever a provider raises, the other pairs are judged
            problem = f"{type(error).__name__}: {error}"
            with self._changed:
                self.failed.append(problem)
            return Judgement(None, problem=problem)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()
        judgement = agreed(pair, ahead, behind)
        if judgement.score is not None:
            self._plain_journal.write(self._fact(pair, judgement, judgement.score))
        return judgement

    def _fact(self, pair: Pair, judgement: Judgement, score: float) -> PromptScore:
        fact = PromptScore(
            event_id=self._clock.new_id(),
            started_at=datetime.fromtimestamp(self._clock.wall_ns() / 1e9, UTC),
            comparison_id=pair.comparison.event_id,
            question_id=pair.comparison.question_id,
            prompt_variant=pair.variant,
            score=score,
            scorer="judge",
            judge=self.judge_name,
            rationale=judgement.rationale,
            position_consistent=judgement.position_consistent,
        )
        # whom the comparison names is named as it was recorded, under a pseudonym or not
        named = {"user_id": pair.comparison.user_id, "session_id": pair.comparison.session_id}
        return self._privacy.recorded(fact).model_copy(update=named)
