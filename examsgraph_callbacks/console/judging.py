"""A judge's evaluation as a person asks for it: under a bar, summed up, and where MLflow shows it."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from rich.console import RenderableType
from rich.text import Text

from examsgraph_callbacks.analytics import Cost
from examsgraph_callbacks.console.amounts import UNKNOWN, cost_usd, counted, one_line, tokens, usd_decimals
from examsgraph_callbacks.console.comparisons import Limits
from examsgraph_callbacks.console.layout import add_row, heading, new_table
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.defaults import default_tracking_uri
from examsgraph_callbacks.deliver import ui_command
from examsgraph_callbacks.deliver.judge_evaluation import JudgeRun, evaluate_judging
from examsgraph_callbacks.errors import ExamsGraphError
from examsgraph_callbacks.experiments.judging import Judged, Judging
from examsgraph_callbacks.experiments.opinions import Judge
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Meter

__all__ = ["judge_under_bar"]


def judge_under_bar(
    journal: Journal,
    screen: Screen,
    name: str,
    judge: Judge,
    *,
    limits: Limits,
    meter: Meter,
    tracking_uri: str | None = None,
) -> None:
    """Have MLflow evaluate the comparisons of that name by a judge, and show how the variants fared.

    Raises `InvalidInputError` where there are none, `DeliveryError` where MLflow cannot be reached, and
    `ExamsGraphError` where no pair could be judged.
    """
    uri = tracking_uri or default_tracking_uri(journal.path)
    with screen.progress("Judging") as advance:
        judging = Judging(
            name, judge, journal, budget_usd=limits.budget_usd, meter=meter, on_progress=advance
        )
        runs = evaluate_judging(judging, uri, concurrency=limits.concurrency)
    results = judging.results()
    if judging.failed and not any(each.pairs for each in results):
        raise ExamsGraphError(f"expected {judge.name} to judge, it never did: {judging.failed[-1]}")
    screen.lay_out(*_judged(judging, results))
    for line in _left_out(judging, results, runs, limits):
        screen.warn(line)
    screen.say("")
    screen.say("In MLflow: Prompt_Experimentation, Evaluation runs, each pair with the judge's reasons:")
    for run in runs:
        if run.url is not None:
            screen.say(f"  {run.url}")
    if not any(run.url for run in runs):
        screen.command(ui_command(uri))


def _judged(judging: Judging, results: Iterable[Judged]) -> Iterator[RenderableType]:
    title = f"By {judging.judge_name}, each pair judged twice with the places swapped"
    yield Text(title, "bold cyan")
    columns = ("variant", "against", "pairs", "wins", "losses", "ties", "win rate", "95%", "inconsistent")
    table = new_table(*columns)
    for each in results:
        rate, share = each.win_rate, each.contradicted_share
        add_row(
            table,
            one_line(each.variant),
            one_line(each.control),
            tokens(each.pairs),
            tokens(each.wins),
            tokens(each.losses),
            tokens(each.pairs - each.wins - each.losses),
            UNKNOWN if rate is None else f"{rate.value:.0%}",
            UNKNOWN if rate is None else f"{rate.low:.0%} to {rate.high:.0%}",
            UNKNOWN if share is None else f"{share:.0%}",
        )
    yield table
    yield Text("Inconsistent: judged otherwise once swapped, and so a tie.", "dim")
    spent = judging.spent()
    if spent.calls:
        cost = Cost(spent.cost_usd, (("", spent.unpriced),) if spent.unpriced else ())
        shown = cost_usd(cost, usd_decimals(spent.cost_usd))
        yield Text(f"{counted(spent.calls, 'call')} of the judge: {shown}.", "dim")
    if judging.reused:
        yield Text(f"Already there: {counted(judging.reused, 'judgement')}.", "dim")
    yield from heading(
        "What a model prefers is not what teaches: let people score, and learners decide.", "dim"
    )


def _left_out(
    judging: Judging, results: Iterable[Judged], runs: Iterable[JudgeRun], limits: Limits
) -> Iterator[str]:
    unreadable = sum(each.unjudged for each in results) - len(judging.failed) - judging.unasked
    if unreadable > 0:
        yield f"Not judged as asked, and left out: {counted(unreadable, 'pair')}."
    if judging.failed:
        failed, last = counted(len(judging.failed), "pair"), judging.failed[-1]
        yield f"{failed} failed, the last with {last}; judge again: only what is missing is asked."
    if judging.unasked:
        yield _over_budget(judging, limits.budget_usd)
    missing = sum(run.missing for run in runs)
    if missing:
        yield f"MLflow did not take {counted(missing, 'judgement')}: judge again, nothing is asked again."


def _over_budget(judging: Judging, budget_usd: Decimal | None) -> str:
    unasked = counted(judging.unasked, "pair")
    if judging.unpriced:
        return f"Not asked for: {unasked}, since a call has no price to hold the budget by."
    spent = "nothing" if judging.total_usd is None else f"${judging.total_usd:f}"
    return f"Not asked for: {unasked}, since {spent} of ${budget_usd} is spent, answers included."
