"""What other bounds would have done, as it stands in a terminal: to one exploration, or to a journal's."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from examsgraph_callbacks.console.amounts import UNKNOWN, counted, one_line, percent
from examsgraph_callbacks.console.layout import add_row, heading, more, new_table
from examsgraph_callbacks.console.paths import drawn, named_exploration
from examsgraph_callbacks.events import Hop, RetrievalParams
from examsgraph_callbacks.graph import ContextTokens, PathFigures, WhatIf, WhatIfReport, shown_score
from examsgraph_callbacks.measure import measure_path

__all__ = ["render_what_if", "render_what_if_report"]

CONCEPTS_SHOWN = 5


def render_what_if(answer: WhatIf) -> Group:
    """The path before and after, what was cut and added, and whether a new run would come to the same."""
    return Group(*_answer(answer))


def render_what_if_report(report: WhatIfReport) -> Group:
    """How much can be said exactly, and what the bounds would have done to that."""
    return Group(*_report(report))


def _answer(answer: WhatIf) -> Iterator[RenderableType]:
    exploration, recorded = answer.exploration, answer.exploration.retrieval_params
    measured = measure_path(exploration)
    again = measure_path(exploration.model_copy(update={"hops": answer.hops}), measured.similarity_threshold)
    yield from named_exploration(exploration)
    changed = [
        f"{name} {'not recorded' if before is None else before} → {after}"
        for name, after in answer.params.model_dump(exclude_none=True).items()
        if (before := getattr(recorded, name)) != after
    ]
    yield Text(", ".join(changed) or "the bounds as they were recorded", "bold")
    yield from heading("as recorded")
    yield from drawn(measured.path, [anomaly.hop for anomaly in measured.anomalous_hops or ()])
    yield from heading("then" if answer.is_exact else "then, as far as it is known")
    yield from drawn(again.path, [anomaly.hop for anomaly in again.anomalous_hops or ()])
    yield Text()
    yield from _named_hops("cut", answer.cut)
    yield from _named_hops("added", answer.added)
    if answer.is_exact:
        yield Text("Exact: a new run would come to the same.", "green")
    else:
        yield Text(f"Not exact: {one_line(answer.why_not_exact)}.", "yellow")


def _named_hops(word: str, hops: Sequence[Hop]) -> Iterator[Text]:
    if not hops:
        yield Text(f"none {word}")
        return
    named = ", ".join(f"{hop.node} → {hop.next_node} ({shown_score(hop.similarity_score)})" for hop in hops)
    yield Text(one_line(f"{len(hops)} {word}: {named}", 2000))


def _report(report: WhatIfReport) -> Iterator[RenderableType]:
    yield Text(_in_words(report.changes), "bold")
    yield Text(
        f"{counted(report.explorations, 'exploration')}: {report.exact:,} ({percent(report.exact_share)}) "
        f"can be said exactly, {report.changed:,} of these with another path",
    )
    if missing := report.explorations - report.exact:
        of_told = f", {report.told:,} of them as only a told path is known" if report.told else ""
        yield Text(f"{missing:,} {'needs' if missing == 1 else 'need'} a new run{of_told}", "yellow")
    for concept, times in report.new_run_for[:CONCEPTS_SHOWN]:
        yield Text(f"  to look at {one_line(concept)} ({times:,})", "yellow")
    yield from more(len(report.new_run_for), CONCEPTS_SHOWN)
    if not report.exact:
        return
    yield Text()
    yield _compared(report)
    yield Text(f"{counted(report.cut, 'hop')} cut, {report.added:,} added.")
    if report.strays_by_new_threshold is not None and report.after.judged_hops:
        share = report.strays_by_new_threshold / report.after.judged_hops
        yield Text(
            "Strange hops are judged by each exploration's recorded threshold, before and after; by the new "
            f"one {report.strays_by_new_threshold:,} ({percent(share)}) would be.",
            "dim",
        )
    yield Text("~ estimated from the recorded texts of the documents.", "dim")
    unknown = max(report.context_before.unknown, report.context_after.unknown)
    if unknown:
        yield Text(
            f"Without {counted(report.context_before.unknown, 'document')} before and "
            f"{report.context_after.unknown:,} after, whose texts are not in the journal.",
            "yellow",
        )


def _compared(report: WhatIfReport) -> RenderableType:
    before, after = report.before, report.after
    table = new_table(f"of the {report.exact:,} that are exact", "as recorded", "then")
    add_row(table, "hops followed", f"{before.hops:,}", f"{after.hops:,}")
    add_row(table, "path length on average", _number(before.average_length), _number(after.average_length))
    add_row(table, "depth on average", _number(before.average_depth), _number(after.average_depth))
    add_row(table, "strange hops", _strays(before), _strays(after))
    add_row(table, "context tokens", _context(report.context_before), _context(report.context_after))
    return table


def _in_words(changes: RetrievalParams) -> str:
    bounds = changes.model_dump(exclude_none=True)
    return f"With {', '.join(f'{name} {value}' for name, value in bounds.items())}"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}"


def _strays(figures: PathFigures) -> str:
    if not figures.judged_hops:
        return UNKNOWN
    return f"{figures.stray_hops:,} ({percent(figures.stray_rate)})"


def _context(context: ContextTokens) -> str:
    return f"~{context.tokens:,}" if context.tokens or not context.unknown else UNKNOWN
