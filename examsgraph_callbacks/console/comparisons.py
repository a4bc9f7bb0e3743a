"""An offline comparison as a person asks for it: run under a bar, summed up, scored."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median

from pydantic import TypeAdapter, ValidationError
from rich.console import RenderableType
from rich.text import Text

from examsgraph_callbacks.analytics import Cost
from examsgraph_callbacks.analytics.figures import CostTally
from examsgraph_callbacks.capture import Clock, Privacy
from examsgraph_callbacks.console.amounts import (
    UNKNOWN,
    cost_usd,
    counted,
    duration,
    one_line,
    tokens,
    usd_decimals,
)
from examsgraph_callbacks.console.layout import add_row, new_table
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import LLMCall, PromptComparison, PromptScore
from examsgraph_callbacks.experiments import PromptExperiment
from examsgraph_callbacks.experiments.comparing import (
    Ask,
    Compared,
    ComparedQuestion,
    compare_offline,
    tag_of,
)
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter

__all__ = [
    "Limits",
    "load_compared_questions",
    "record_given",
    "run_comparison",
    "score_answer",
]

_GIVEN = TypeAdapter(dict[str, object])


@dataclass(frozen=True, slots=True)
class Limits:
    """How many answers are asked for at a time, and what they may cost in all (USD)."""

    concurrency: int = 4
    budget_usd: Decimal | None = None


def load_compared_questions(path: Path) -> tuple[ComparedQuestion, ...]:
    """The questions of a JSON-lines file; raises `InvalidInputError`, naming the line that is none."""
    questions = []
    for number, line in _lines(path):
        try:
            questions.append(ComparedQuestion.model_validate_json(line))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            place = ".".join(map(str, problem["loc"])) or "it"
            raise InvalidInputError(
                f"expected a question with question_id, question, user_answer and correct_answer in line "
                f"{number} of {path}, found that {place}: {problem['msg']}",
            ) from error
    return tuple(questions)


def run_comparison(
    journal: Journal,
    screen: Screen,
    experiment: PromptExperiment,
    questions: Sequence[ComparedQuestion],
    *,
    ask: Ask,
    model: str,
    limits: Limits,
    meter: Meter,
) -> None:
    """Have the variants answer what they have not answered yet, and show what it came to."""
    with screen.progress("Asking") as advance:
        compared = compare_offline(
            experiment,
            questions,
            ask,
            model,
            journal,
            concurrency=limits.concurrency,
            budget_usd=limits.budget_usd,
            meter=meter,
            on_progress=advance,
        )
    screen.lay_out(*_compared(compared, experiment, meter))
    for line in _left_out(compared, limits):
        screen.warn(line)
    screen.say("")
    screen.say("For MLflow, where the runs of Prompt_Experimentation are ticked and compared:")
    screen.command(f"examsgraph ship --journal {journal.path}")


def record_given(journal: Journal, path: Path, name: str) -> list[PromptComparison]:
    """Write down the comparisons of a JSON-lines file, each line a body as compare-prompts takes it."""
    clock, privacy = Clock(), Privacy.configured()
    comparisons = []
    for number, line in _lines(path):
        try:
            given = _GIVEN.validate_json(line)
            comparison = PromptComparison.model_validate(
                {
                    **given,
                    "kind": "prompt_comparison",
                    "event_id": clock.new_id(),
                    "started_at": datetime.fromtimestamp(clock.wall_ns() / 1e9, UTC),
                    "tags": (tag_of(name),),
                },
            )
        except ValidationError as error:
            raise InvalidInputError(
                f"expected prompt_variants and generated_responses by the names of the variants in line "
                f"{number} of {path}: {error.errors(include_url=False)[0]['msg']}",
            ) from error
        if not comparison.generated_responses:
            raise InvalidInputError(f"expected generated_responses in line {number} of {path}, found none")
        comparisons.append(comparison)
    for comparison in comparisons:
        journal.write(privacy.recorded(comparison))
    return comparisons


def score_answer(journal: Journal, wanted: str, variant: str, score: float) -> PromptComparison:
    """Write down what a person thinks of an answer, of the comparison that `wanted` names: by its `event_id`
    or how that begins, or the last one on that question.

    Raises `InvalidInputError` where there is none, or it has no such variant.
    """  # noqa: D205
    comparisons = [fact for fact in journal.read() if isinstance(fact, PromptComparison)]
    found = [each for each in comparisons if each.event_id.startswith(wanted) or each.question_id == wanted]
    if not found:
        last = comparisons[-1].question_id or comparisons[-1].event_id if comparisons else None
        hint = f", for example {last}" if last else ": run  examsgraph experiment run"
        raise InvalidInputError(
            f"expected a comparison {wanted!r} among {len(comparisons)}, found none{hint}"
        )
    comparison = found[-1]
    if variant not in comparison.generated_responses:
        names = ", ".join(comparison.generated_responses)
        raise InvalidInputError(f"expected a variant of that comparison ({names}), got {variant!r}")
    clock = Clock()
    journal.write(
        PromptScore(
            event_id=clock.new_id(),
            started_at=datetime.fromtimestamp(clock.wall_ns() / 1e9, UTC),
            comparison_id=comparison.event_id,
            question_id=comparison.question_id,
            prompt_variant=variant,
            score=score,
        ),
    )
    return comparison


def _compared(compared: Compared, experiment: PromptExperiment, meter: Meter) -> Iterator[RenderableType]:
    questions = counted(len(compared.comparisons), "question")
    yield Text(f"{questions}, each answered under {len(experiment.variants)} prompts")
    yield Text()
    table = new_table("variant", "answers", "characters", "output\ntokens", "USD", "latency\np50", "score")
    decimals = usd_decimals(compared.cost_usd)
    for name in experiment.variants:
        answers = [each.generated_responses[name] for each in compared.comparisons]
        scores = compared.scores[name]
        calls = compared.calls[name]
        add_row(
            table,
            one_line(name),
            tokens(len(answers)),
            f"{sum(map(len, answers)) / len(answers):,.0f}" if answers else UNKNOWN,
            _average_output(calls, meter),
            cost_usd(_cost(calls, meter), decimals),
            duration(median(call.latency_ms for call in calls) if calls else None),
            f"{sum(scores) / len(scores):.2f}" if scores else UNKNOWN,
        )
    yield table
    if compared.reused:
        yield Text(f"Already there: {counted(compared.reused, 'answer')}.", "dim")


def _average_output(calls: Iterable[LLMCall], meter: Meter) -> str:
    outputs = [measured.output_tokens for call in calls if (measured := meter.measure(call))]
    known = [count for count in outputs if count is not None]
    return f"{sum(known) / len(known):,.0f}" if known else UNKNOWN


def _cost(calls: Sequence[LLMCall], meter: Meter) -> Cost:
    tally = CostTally()
    for call in calls:
        tally.add(meter.measure(call))
    return tally.cost()


def _left_out(compared: Compared, limits: Limits) -> Iterator[str]:
    if compared.failed:
        failed = counted(len(compared.failed), "answer")
        last = compared.failed[-1]
        yield f"{failed} failed, the last with {last}; run it again: only what is missing is asked."
    unasked = counted(compared.unasked, "answer")
    if compared.unasked and compared.unpriced:
        yield f"Not asked for: {unasked}, since the model has no price to hold the budget by."
    elif compared.unasked:
        spent = f"${compared.cost_usd:f}" if compared.cost_usd is not None else "nothing"
        yield f"Not asked for: {unasked}, since {spent} of ${limits.budget_usd} is spent."


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"expected a JSON-lines file at {path}, could not read it: {error}"
        ) from error
    return ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
