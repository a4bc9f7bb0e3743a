"""`examsgraph experiment`: compare prompts offline, score the answers, and read what learners decided."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from examsgraph_callbacks.cli.common import JournalOption, errors_in_one_line, new_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from examsgraph_callbacks.experiments import PromptExperiment
    from examsgraph_callbacks.experiments.comparing import Ask
    from examsgraph_callbacks.experiments.opinions import Judge

__all__ = ["experiment"]

experiment = new_group("experiment")

NameArgument = Annotated[str, typer.Argument(help="The experiment's name.")]
FileOption = Annotated[
    Path | None,
    typer.Option("--file", help="A TOML file with [experiments.NAME]; else the demo's three tones."),
]
PricesOption = Annotated[
    Path | None, typer.Option(help="A TOML file of [[prices]] that hold before the public list.")
]


@experiment.callback()
def of_experiments() -> None:
    """Find out which prompt teaches better.

    \b
    A file of experiments:
        [experiments.tone]
        primary_metric = "satisfaction"   # understanding, followup_rate, cost_usd, latency_ms
        minimum_effect = 0.05
        [experiments.tone.variants]
        v1_strict = "당신은 엄격한 교수입니다. …"
        v2_friendly = "당신은 친절한 코치입니다. …"
    """  # noqa: D301


@experiment.command()
def run(
    *,
    name: Annotated[str, typer.Argument(help="The experiment's name.")] = "tone",
    file: FileOption = None,
    questions: Annotated[
        Path | None, typer.Option(help="A JSON-lines file of questions; else the demo's twelve.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="A chat model by LangChain's name, such as openai:gpt-4o-mini; or scripted.")
    ] = "scripted",
    given: Annotated[
        Path | None, typer.Option(help="Answers that are there: JSON lines as compare-prompts takes them.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Answers asked for at a time.", min=1, max=64)] = 4,
    budget: Annotated[float | None, typer.Option(help="Ask no more past so many USD in all.", min=0)] = None,
    judge: Annotated[
        str | None, typer.Option(help="Then have this model judge the answers: see  experiment judge --help.")
    ] = None,
    prices: PricesOption = None,
    journal: JournalOption = None,
) -> None:
    """Have every variant answer every question, and show length, tokens, cost and latency side by side.

    Nothing is asked twice: run it again after a failure or Ctrl-C, and it goes on. The answers become a
    run each in Prompt_Experimentation with the next  examsgraph ship.

    \b
    Examples:
        examsgraph experiment run
        examsgraph experiment run tone --file experiments.toml --model openai:gpt-4o-mini --budget 0.50
        examsgraph experiment run tone --model openai:gpt-4o-mini --judge openai:/gpt-4o
        examsgraph experiment run tone --given answers.jsonl
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen
        from examsgraph_callbacks.console.amounts import counted
        from examsgraph_callbacks.console.comparisons import (
            Limits,
            load_compared_questions,
            record_given,
            run_comparison,
        )
        from examsgraph_callbacks.console.judging import judge_under_bar
        from examsgraph_callbacks.experiments.spending import require_extra
        from examsgraph_callbacks.journal import Journal
        from examsgraph_callbacks.measure import Meter, PriceList, load_prices

        opened, screen = Journal(journal), Screen()
        limits = Limits(concurrency, None if budget is None else Decimal(str(budget)))
        meter = Meter(PriceList(load_prices(prices)) if prices else None)
        if judge is not None:
            require_extra()
        if given is not None:
            written = record_given(opened, given, name)
            screen.say(f"{counted(len(written), 'comparison')} in {opened.path}")
        else:
            run_comparison(
                opened,
                screen,
                _experiment(name, file),
                load_compared_questions(questions or _demo_questions()),
                ask=_tutor(model),
                model=model,
                limits=limits,
                meter=meter,
            )
        if judge is not None:
            screen.say("")
            judge_under_bar(opened, screen, name, _judge(judge), limits=limits, meter=meter)


@experiment.command()
def score(
    *,
    comparison: Annotated[str, typer.Argument(help="Its question, or its event_id or how that begins.")],
    variant: Annotated[str, typer.Argument(help="The variant whose answer it is.")],
    value: Annotated[float, typer.Argument(help="What you think of it, on a scale of your own.")],
    journal: JournalOption = None,
) -> None:
    """Say what you think of an answer; MLflow shows it as manual_score with the next  examsgraph ship.

    \b
    Example:
        examsgraph experiment score q_002 v2_friendly 4.5
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen
        from examsgraph_callbacks.console.comparisons import score_answer
        from examsgraph_callbacks.journal import Journal

        scored = score_answer(Journal(journal), comparison, variant, value)
        Screen().say(f"{variant} has {value:g} for {scored.question_id or scored.event_id}")


@experiment.command()
def judge(
    *,
    name: NameArgument = "tone",
    model: Annotated[
        str,
        typer.Option(
            help="The judge: openai:/gpt-4o as MLflow names a model, or openai:gpt-4o as LangChain does.",
        ),
    ],
    base_url: Annotated[
        str | None, typer.Option(help="Another address of OpenAI's API, for an openai:/ model alone.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Pairs judged at a time.", min=1, max=64)] = 4,
    budget: Annotated[
        float | None,
        typer.Option(help="Ask no more past so many USD, answers and judgements together.", min=0),
    ] = None,
    prices: PricesOption = None,
    tracking_uri: Annotated[
        str | None, typer.Option(help="The MLflow; else MLFLOW_TRACKING_URI or mlflow.db beside the journal.")
    ] = None,
    journal: JournalOption = None,
) -> None:
    """Have a model judge each variant's answers against the first one's, by MLflow's evaluation.

    Each pair is asked twice with the places swapped: what is judged otherwise then is a tie. MLflow shows an
    evaluation run a variant in Prompt_Experimentation, with the judge's reasons for each question. Nothing is
    asked twice of the same judge: run it again after a failure, and it goes on. Needs [experiments].

    \b
    Examples:
        examsgraph experiment judge tone --model openai:/gpt-4o
        examsgraph experiment judge tone --model anthropic:/claude-sonnet-4-5 --budget 0.50
        examsgraph experiment judge tone --model openai:/qwen3 --base-url http://localhost:8000/v1
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen
        from examsgraph_callbacks.console.comparisons import Limits
        from examsgraph_callbacks.console.judging import judge_under_bar
        from examsgraph_callbacks.experiments.spending import require_extra
        from examsgraph_callbacks.journal import Journal
        from examsgraph_callbacks.measure import Meter, PriceList, load_prices

        require_extra()
        judge_under_bar(
            Journal(journal),
            Screen(),
            name,
            _judge(model, base_url),
            limits=Limits(concurrency, None if budget is None else Decimal(str(budget))),
            meter=Meter(PriceList(load_prices(prices)) if prices else None),
            tracking_uri=tracking_uri,
        )


@experiment.command()
def report(
    *,
    name: NameArgument = "tone",
    html: Annotated[Path | None, typer.Option(help="Write the report as a page into this file.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Write JSON to standard output and nothing else.")
    ] = False,
    as_of: Annotated[
        datetime | None, typer.Option(help="As it stood at the beginning of that day (UTC), else of today.")
    ] = None,
    prices: PricesOption = None,
    journal: JournalOption = None,
) -> None:
    """Say which variant is better for learners, as far as one may say so today.

    Only whole days count (UTC), and looking daily is allowed: the boundary allows for it. No verdict is
    given where the learners were not handed out as planned. Needs the extra [experiments].

    \b
    Examples:
        examsgraph experiment report tone
        examsgraph experiment report tone --html tone.html
    """  # noqa: D301
    with errors_in_one_line():
        from datetime import UTC

        from examsgraph_callbacks.console import Screen
        from examsgraph_callbacks.console.experiments import show_experiment
        from examsgraph_callbacks.journal import Journal
        from examsgraph_callbacks.measure import Meter, PriceList, load_prices

        show_experiment(
            Journal(journal),
            Screen(),
            name,
            Meter(PriceList(load_prices(prices)) if prices else None),
            as_json=json,
            html=html,
            now=None if as_of is None else min(as_of.replace(tzinfo=UTC), datetime.now(UTC)),
        )


@experiment.command()
def plan(
    *,
    name: NameArgument = "tone",
    file: FileOption = None,
    deviation: Annotated[
        float, typer.Option(help="The standard deviation of a learner's own average, such as 0.4.", min=1e-9)
    ],
) -> None:
    """Say how many learners it takes to find the smallest difference that matters.

    \b
    Example:
        examsgraph experiment plan tone --file experiments.toml --deviation 0.4
    """  # noqa: D301
    with errors_in_one_line():
        from examsgraph_callbacks.console import Screen
        from examsgraph_callbacks.experiments.planning import learners_needed

        planned = _experiment(name, file)
        screen = Screen()
        for variant, count in learners_needed(planned, deviation).items():
            screen.say(f"{variant:24} {count:,} learners")
        screen.say(
            f"find a difference of {planned.effect:g} in {planned.primary_metric} with a power of "
            f"{planned.power:.0%}, looked at daily for {planned.planned_looks} days"
        )


def _experiment(name: str, file: Path | None) -> "PromptExperiment":
    from examsgraph_callbacks.errors import InvalidInputError
    from examsgraph_callbacks.experiments import PromptExperiment, load_experiments

    if file is None:
        from examsgraph_callbacks.demo.tones import TONES

        return PromptExperiment(name, dict(TONES))
    found = load_experiments(file, _from_registry)
    if name not in found:
        raise InvalidInputError(f"expected [experiments.{name}] in {file}, found {', '.join(found)}")
    return found[name]


def _tutor(model: str) -> "Ask":
    from examsgraph_callbacks.demo.tones import tone_model
    from examsgraph_callbacks.langchain.asking import asking, chat_model

    return asking(tone_model() if model == "scripted" else chat_model(model))


def _judge(model: str, base_url: str | None = None) -> "Judge":
    from examsgraph_callbacks.deliver.judge_model import is_model_uri, mlflow_judge

    if is_model_uri(model) or base_url is not None:
        return mlflow_judge(model, base_url)
    from examsgraph_callbacks.langchain.asking import chat_model, judging

    return judging(chat_model(model), model)


def _from_registry(addresses: "Mapping[str, str]") -> dict[str, str]:
    """The prompts at these addresses in MLflow's registry."""
    from examsgraph_callbacks.deliver import default_tracking_uri, registered_prompts
    from examsgraph_callbacks.journal import Journal

    return registered_prompts(addresses, default_tracking_uri(Journal().path))


def _demo_questions() -> Path:
    from examsgraph_callbacks.demo.questions import QUESTIONS

    return QUESTIONS
