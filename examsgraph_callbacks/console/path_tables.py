"""The tables on paths: strange hops, hubs, dead ends, and the hops of one exploration."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from examsgraph_callbacks.analytics import DeadEnd, Hub, StrayRate
from examsgraph_callbacks.console.amounts import one_line, percent
from examsgraph_callbacks.console.layout import add_row, new_table
from examsgraph_callbacks.events import Hop
from examsgraph_callbacks.graph import shown_score

__all__ = ["dead_ends_table", "hops_table", "hubs_table", "strays_table"]


def strays_table(title: str, rates: Sequence[StrayRate]) -> Table:
    """How many hops strayed of those that took a relation, or came to a concept."""
    table = new_table(title, "strange", "of hops", "")
    for rate in rates:
        add_row(
            table,
            one_line(rate.name),
            Text(f"{rate.strays:,}", "bold red"),
            f"{rate.hops:,}",
            percent(rate.rate),
        )
    return table


def hubs_table(hubs: Sequence[Hub], questions: int) -> Table:
    """The concepts that most questions lead to; where all roads lead to one, it tells little of each."""
    table = new_table("concepts reached from many questions", f"of {questions:,} questions", "explorations")
    for hub in hubs:
        add_row(table, one_line(hub.concept), f"{hub.questions:,}", f"{hub.explorations:,}")
    return table


def dead_ends_table(ends: Sequence[DeadEnd]) -> Table:
    """The concepts from which there was no way on."""
    table = new_table("dead ends", "why", "times", left=2)
    for end in ends:
        why = "all relations lead back or away" if end.has_relations else "it has no relations"
        add_row(table, one_line(end.concept), why, f"{end.times:,}")
    return table


def hops_table(hops: Sequence[Hop]) -> Table:
    """Hops with all that was recorded of them, in the order of judgement."""
    table = new_table("from", "relation", "to", "level", "score", "edge", "verdict", left=3)
    for hop in hops:
        relation = f"{hop.relation} →" if hop.direction == "out" else f"← {hop.relation}"
        add_row(
            table,
            one_line(hop.node),
            one_line(relation),
            one_line(hop.next_node),
            str(hop.depth),
            shown_score(hop.similarity_score),
            shown_score(hop.edge_similarity),
            hop.verdict.replace("_", " "),
        )
    return table
