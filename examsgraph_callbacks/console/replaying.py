"""What recorded calls cost, and would have cost, as it stands in a terminal or in JSON."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from examsgraph_callbacks.background import ship_by_hand
from examsgraph_callbacks.console.amounts import UNKNOWN, counted, one_line, percent
from examsgraph_callbacks.console.exploring import report_as_json
from examsgraph_callbacks.console.layout import add_row, heading, new_table
from examsgraph_callbacks.console.recordings import warn_of_flaws
from examsgraph_callbacks.console.screen import Screen
from examsgraph_callbacks.console.shipping import ship_with_progress, show_shipped
from examsgraph_callbacks.console.what_if import render_what_if_report
from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import RetrievalParams
from examsgraph_callbacks.graph import WhatIfTally
from examsgraph_callbacks.journal import Journal
from examsgraph_callbacks.measure import Assumptions, CallPair, Meter
from examsgraph_callbacks.replay import Figures, Flaw, Recording, Remeasured, remeasure

__all__ = ["replay_to_mlflow", "show_path_replay", "show_remeasured"]


def show_remeasured(
    place: Path,
    screen: Screen,
    meters: tuple[Meter, Meter],
    assumptions: Assumptions,
    *,
    each: bool = False,
    as_json: bool = False,
) -> None:
    """Measure a recording's calls again and show what comes out; `each` shows them one by one too.

    The first of `meters` says what they cost, the second what they would have cost under `assumptions`.
    As JSON each call is a line of its own, and the totals are the last line. Raises `RecordingError` where
    there is none, and `InvalidInputError` where it has no calls.
    """
    recording = Recording(place)
    flaws: list[Flaw] = []

    def on_call(pair: CallPair) -> None:
        screen.say(json.dumps(_pair_as_json(pair), ensure_ascii=False) if as_json else _pair_in_words(pair))

    told = on_call if each else None
    recorded, then = meters
    result = remeasure(recording, then, assumptions, recorded=recorded, on_call=told, on_flaw=flaws.append)
    warn_of_flaws(screen, flaws, recording)
    if not result.recorded.calls:
        raise InvalidInputError(
            f"expected calls to measure in {recording.path}, found none: name another one"
        )
    if as_json:
        screen.say(json.dumps(remeasured_as_json(result), ensure_ascii=False, indent=None if each else 2))
    else:
        screen.lay_out(Group(*_rendered(result)))


def show_path_replay(place: Path, screen: Screen, changes: RetrievalParams, *, as_json: bool) -> None:
    """What other bounds would have made of a recording's explorations; raises as `show_remeasured` does."""
    recording = Recording(place)
    tally = WhatIfTally(changes)
    for fact in recording.facts(lambda _flaw: None):
        tally.add(fact)
    report = tally.report()
    if not report.explorations:
        raise InvalidInputError(f"expected explorations in {recording.path}, found none: name another")
    if as_json:
        screen.say(json.dumps(report_as_json(report), ensure_ascii=False))
    else:
        screen.lay_out(*heading("Paths"), render_what_if_report(report))


def replay_to_mlflow(place: Path, screen: Screen, tracking_uri: str, meter: Meter) -> None:
    """Fill the MLflow at `tracking_uri` with a recording's turns, at the times that were recorded."""
    ship_by_hand()
    recording = Recording(place)
    flaws: list[Flaw] = []
    with TemporaryDirectory(prefix="examsgraph-replay-") as directory:
        journal = Journal(Path(directory) / "journal")
        for fact in recording.facts(flaws.append):
            journal.write(fact)
        journal.close()
        warn_of_flaws(screen, flaws, recording)
        shipped = ship_with_progress(journal, screen, tracking_uri, flush=True, meter=meter)
        show_shipped(shipped, journal, screen, tracking_uri)


def remeasured_as_json(result: Remeasured) -> dict[str, Any]:
    """All figures; costs in USD, as decimal text, to the last digit."""
    return {
        "recorded": _figures_as_json(result.recorded),
        "then": _figures_as_json(result.then),
        "swapped_calls": result.swapped,
        "same_tokens_assumed": bool(result.swapped),
        "models": [
            {
                "model": model,
                "then_model": then_model,
                "recorded": _figures_as_json(recorded),
                "then": _figures_as_json(then),
            }
            for (model, then_model), (recorded, then) in _sorted(result)
        ],
    }


def _sorted(result: Remeasured) -> list[tuple[tuple[str | None, str | None], tuple[Figures, Figures]]]:
    return sorted(result.models.items(), key=lambda item: tuple(name or "" for name in item[0]))


def _figures_as_json(figures: Figures) -> dict[str, Any]:
    return {
        "calls": figures.calls,
        "reported_calls": figures.reported,
        "estimated_calls": figures.estimated,
        "cache_hits": figures.cache_hits,
        "calls_of_unknown_tokens": figures.unknown,
        "unpriced_calls": figures.unpriced_calls,
        "input_tokens": figures.input_tokens,
        "output_tokens": figures.output_tokens,
        "cached_tokens": figures.cached_tokens,
        "cost_usd": _exact(figures.cost_usd),
        "reported_usd": _exact(figures.reported_usd),
        "estimated_usd": _exact(figures.estimated_usd),
        "misrouted_calls": figures.misrouted,
        "unpriced": dict(sorted(figures.unpriced.items())),
        "price_versions": sorted(figures.price_versions),
    }


def _pair_as_json(pair: CallPair) -> dict[str, Any]:
    costs = {name: _exact(getattr(pair, name)) for name in ("cost_usd", "then_cost_usd")}
    return {**pair._asdict(), **costs}


def _exact(cost: Decimal | None) -> str | None:
    return None if cost is None else format(cost.normalize() + 0, "f")


def _pair_in_words(pair: CallPair) -> str:
    model = one_line(pair.model)
    if pair.model != pair.then_model:
        model = f"{model} → {one_line(pair.then_model)}"
    tokens = f"{_count(pair.input_tokens)} in, {_count(pair.output_tokens)} out"
    costs = f"{_usd(pair.cost_usd)} → {_usd(pair.then_cost_usd)}"
    return f"{pair.event_id[:8]}  {model}  {tokens}  {pair.usage}  {costs}"


def _rendered(result: Remeasured) -> Iterator[RenderableType]:
    changed = result.recorded != result.then or bool(result.swapped)
    table = new_table("model", "calls", *(["as recorded", "then"] if changed else ["cost"]))
    for (model, then_model), (recorded, then) in _sorted(result):
        name = one_line(model) if model == then_model else f"{one_line(model)} → {one_line(then_model)}"
        costs = [_cost(recorded), *([_cost(then)] if changed else [])]
        add_row(table, name, f"{recorded.calls:,}", *costs)
    totals = [_cost(result.recorded), *([_cost(result.then)] if changed else [])]
    add_row(table, "all", f"{result.recorded.calls:,}", *totals)
    yield table
    if result.swapped:
        yield Text(
            f"Same tokens assumed for {counted(result.swapped, 'call')} at another model, which would have "
            "counted and written others.",
            "yellow",
        )
    if changed:
        yield from heading("As recorded")
    yield from _shares(result.recorded)
    if changed:
        yield from heading("Then")
        yield from _shares(result.then)


def _shares(figures: Figures) -> Iterator[Text]:
    """Where the figures are from, each share for itself."""
    shares = (
        (figures.reported, f"by reported usage, {_usd(figures.reported_usd)}"),
        (figures.estimated, f"by estimated tokens, ~{_usd(figures.estimated_usd)}"),
        (figures.cache_hits, "answered by a cache, for nothing"),
        (figures.unknown, "of which no tokens are known"),
    )
    for count, what in shares:
        if count:
            yield Text(f"{percent(count / figures.calls)}  {counted(count, 'call')} {what}")
    yield Text(
        f"{figures.input_tokens:,} tokens in ({figures.cached_tokens:,} of them cached), "
        f"{figures.output_tokens:,} out",
        "dim",
    )
    for reason, count in sorted(figures.unpriced.items()):
        yield Text(f"{counted(count, 'call')} unpriced: {one_line(reason)}", "yellow")
    if figures.misrouted:
        yield Text(f"{counted(figures.misrouted, 'call')} misrouted", "red")
    if figures.price_versions:
        yield Text(f"prices by {', '.join(sorted(figures.price_versions))}", "dim")


def _cost(figures: Figures) -> str:
    if figures.unpriced_calls == figures.calls:
        return "unpriced"
    return f"{'≥ ' if figures.unpriced_calls else ''}{_usd(figures.cost_usd)}"


def _usd(cost: Decimal | None) -> str:
    return UNKNOWN if cost is None else f"${cost:,.6f}"


def _count(tokens: int | None) -> str:
    return UNKNOWN if tokens is None else f"{tokens:,}"
