"""Compares prompts offline: every variant answers every question, and nothing is asked twice."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2s
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from examsgraph_callbacks.capture import Clock, Privacy
from examsgraph_callbacks.events import Fact, LLMCall, PromptComparison, PromptScore, Trace
from examsgraph_callbacks.experiments.costs import JUDGING, ListeningJournal, Spending
from examsgraph_callbacks.experiments.experiment import PromptExperiment
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter

__all__ = ["Answer", "Ask", "Asked", "Compared", "ComparedQuestion", "compare_offline", "tag_of"]


class ComparedQuestion(BaseModel):
    """A question that every variant answers; `question` is its text."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question_id: str
    question: str
    user_answer: str
    correct_answer: str

    @property
    def message(self) -> str:
        """What a learner who missed the question asks the tutor."""
        return (
            f"문제: {self.question}\n내가 고른 답: {self.user_answer}\n정답: {self.correct_answer}\n"
            "왜 틀렸는지 설명해 주세요."
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt that is to answer a question; `tags` go with all that is recorded of it."""

    question: ComparedQuestion
    variant: str
    prompt: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, in which turn."""

    text: str
    trace_id: str


class Ask(Protocol):
    """Asks a model, with a handler that records the turn in the journal; raises whatever goes wrong."""

    def __call__(self, asked: Asked, journal: Journal) -> Answer: ...


@dataclass(slots=True)
class Compared:
    """What an offline comparison came to.

    `calls` and `scores` (of people) are by the names of the variants. `cost_usd` is what all answers and
    judgements cost, those of earlier runs too, None where none has a price. `failed` are the errors of
    answers that did not come, `unasked` those left for want of budget.
    """

    comparisons: list[PromptComparison] = field(default_factory=list)
    calls: dict[str, list[LLMCall]] = field(default_factory=dict)
    scores: dict[str, list[float]] = field(default_factory=dict)
    reused: int = 0
    failed: list[str] = field(default_factory=list)
    unasked: int = 0
    unpriced: int = 0
    cost_usd: Decimal | None = None


def tag_of(name: str) -> str:
    """The tag of all that belongs to the offline comparison of that name."""
    return f"comparison:{name}"


def compare_offline(
    experiment: PromptExperiment,
    questions: Sequence[ComparedQuestion],
    ask: Ask,
    model: str,
    journal: Journal,
    *,
    concurrency: int = 4,
    budget_usd: Decimal | None = None,
    meter: Meter | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Compared:
    """Have every variant answer every question, `concurrency` at a time, and write down the comparisons.

    What the journal has of this comparison (the same name, prompt, question and model) is taken from
    there: run it again after a failure, and only what is missing is asked. With `budget_usd` nothing more
    is asked once another answer as dear as the dearest might exceed it, or an answer has no price.
    """
    work = _Work(experiment, questions, model, journal, meter=meter or Meter(), budget_usd=budget_usd)
    work.remember(journal.read())
    total = len(questions) * len(experiment.variants)
    on_progress(work.done, total)
    with ThreadPoolExecutor(max_workers=concurrency) as threads:
        running: set[Future[None]] = set()
        try:
            for asked in work.missing():
                # the first answer alone tells what one costs
                while len(running) >= (concurrency if work.knows_cost else 1):
                    _, running = wait(running, return_when=FIRST_COMPLETED)
                    on_progress(work.done, total)
                # what is under way may turn out to be cheaper than what was kept aside for it
                while running and not work.may_ask(len(running)):
                    _, running = wait(running, return_when=FIRST_COMPLETED)
                    on_progress(work.done, total)
                if work.may_ask(len(running)):
                    running.add(threads.submit(work.ask, asked, ask))
                else:
                    work.compared.unasked += 1
            while running:
                _, running = wait(running, return_when=FIRST_COMPLETED)
                on_progress(work.done, total)
        except BaseException:
            # else Ctrl-C would wait for all that was handed in, and pay for it
            for future in running:
                future.cancel()
            raise
    work.write_comparisons()
    return work.compared


class _Work:
    def __init__(
        self,
        experiment: PromptExperiment,
        questions: Sequence[ComparedQuestion],
        model: str,
        journal: Journal,
        *,
        meter: Meter,
        budget_usd: Decimal | None,
    ) -> None:
        names = [*experiment.variants]
        self.compared = Compared(calls={name: [] for name in names}, scores={name: [] for name in names})
        self._experiment = experiment
        self._questions = questions
        self._model = model
        self._journal = ListeningJournal(journal, self._count)
        self._spending = Spending(budget_usd, meter)
        self._answers: dict[tuple[str, str], Answer] = {}
        self._written: dict[str, PromptComparison] = {}
        self._scores: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self._privacy = Privacy.configured()

    @property
    def done(self) -> int:
        """How many answers there are, or will not be."""
        return len(self._answers) + len(self.compared.failed) + self.compared.unasked

    @property
    def knows_cost(self) -> bool:
        """Whether it is known what an answer costs, as far as that matters."""
        return self._spending.knows_cost

    def remember(self, facts: Iterable[Fact]) -> None:
        """Take from the journal what is there already."""
        wanted = {
            self._digest(name, question): (question.question_id, name) for name, question in self._all()
        }
        tag = tag_of(self._experiment.name)
        for fact in facts:
            if isinstance(fact, PromptScore) and fact.scorer == "person" and fact.prompt_variant is not None:
                self._scores[fact.comparison_id, fact.prompt_variant] = fact.score
            if tag not in fact.tags:
                continue
            if isinstance(fact, PromptComparison):
                self._written["/".join(sorted(fact.trace_ids.values()))] = fact
            elif isinstance(fact, LLMCall):
                self._count(fact)
            elif isinstance(fact, Trace) and fact.status == "ok" and isinstance(fact.outputs, str):
                for key in filter(None, map(wanted.get, fact.tags)):
                    self._answers[key] = Answer(fact.outputs, fact.trace_id or fact.run_id)
        self.compared.reused = len(self._answers)

    def missing(self) -> list[Asked]:
        """What is still to be asked, all variants of a question one after the other."""
        tag = tag_of(self._experiment.name)
        return [
            Asked(question, name, self._experiment.variants[name], (tag, self._digest(name, question)))
            for name, question in self._all()
            if (question.question_id, name) not in self._answers
        ]

    def may_ask(self, running: int) -> bool:
        """Whether the budget has room for one more beside those under way."""
        return self._spending.has_room(running + 1)

    def ask(self, asked: Asked, ask: Ask) -> None:
        """Ask, and keep the answer or what went wrong."""
        try:
            answer = ask(asked, self._journal)
        except Exception as error:  # noqa: BLE001 - whatever a provider raises, the others are asked
            self.compared.failed.append(f"{type(error).__name__}: {error}")
            return
        self._answers[asked.question.question_id, asked.variant] = answer

    def write_comparisons(self) -> None:
        """Write a comparison for each question that all variants have answered, once."""
        clock = Clock()
        for question in self._questions:
            answers = {
                name: self._answers[question.question_id, name]
                for name in self._experiment.variants
                if (question.question_id, name) in self._answers
            }
            if len(answers) < len(self._experiment.variants):
                continue
            trace_ids = {name: answer.trace_id for name, answer in answers.items()}
            known = self._written.get("/".join(sorted(trace_ids.values())))
            if known is None:
                known = PromptComparison(
                    event_id=clock.new_id(),
                    started_at=datetime.fromtimestamp(clock.wall_ns() / 1e9, UTC),
                    question_id=question.question_id,
                    tags=(tag_of(self._experiment.name),),
                    user_answer=question.user_answer,
                    correct_answer=question.correct_answer,
                    prompt_variants=dict(self._experiment.variants),
                    generated_responses={name: answer.text for name, answer in answers.items()},
                    trace_ids=trace_ids,
                )
                self._journal.write(self._privacy.recorded(known))
            self.compared.comparisons.append(known)
            for name, scores in self.compared.scores.items():
                score = self._scores.get((known.event_id, name), known.manual_scores.get(name))
                if score is not None:
                    scores.append(score)

    def _all(self) -> list[tuple[str, ComparedQuestion]]:
        return [(name, question) for question in self._questions for name in self._experiment.variants]

    def _digest(self, variant: str, question: ComparedQuestion) -> str:
        """A tag that is another one where prompt, question or model are."""
        text = "\0".join((self._model, variant, self._experiment.variants[variant], question.message))
        return f"answer:{blake2s(text.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"

    def _count(self, call: LLMCall) -> None:
        """Add a call to what was spent."""
        with self._lock:
            self._spending.count(call, typical=call.task_type != JUDGING)
            self.compared.cost_usd = self._spending.cost_usd
            self.compared.unpriced = self._spending.unpriced
            if call.prompt_variant in self.compared.calls:
                self.compared.calls[call.prompt_variant].append(call)
