"""Paths as they stand in a terminal: the report's section on them, and one exploration by itself."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from examsgraph_callbacks.analytics import INEFFICIENT_DEPTH, ExplorationReport, StrayPath
from examsgraph_callbacks.console.amounts import counted, duration, one_line, percent
from examsgraph_callbacks.console.layout import heading, more
from examsgraph_callbacks.console.path_tables import dead_ends_table, hops_table, hubs_table, strays_table
from examsgraph_callbacks.events import Exploration, Hop
from examsgraph_callbacks.graph import draw_path
from examsgraph_callbacks.graph.pictures import bounds_in_words
from examsgraph_callbacks.measure import AnomalousHop, MeasuredPath, measure_path

__all__ = ["drawn", "named_exploration", "render_exploration", "render_explorations"]

STRAYS_SHOWN = 10
PLACES_SHOWN = 5


def render_explorations(explorations: ExplorationReport) -> Iterator[RenderableType]:
    """The report's section on paths: how long, how often astray and where, and what the graph lacks."""
    if not explorations.count:
        return
    yield from heading("Paths through the concept graph")
    if explorations.average_depth is not None:
        verdict = "is" if explorations.is_inefficient else "would be"
        yield Text(
            f"{explorations.average_length or 0:.1f} hops followed on average, "
            f"{explorations.average_depth:.1f} hops deep "
            f"({INEFFICIENT_DEPTH} or more {verdict} inefficient)",
            "red" if explorations.is_inefficient else "",
        )
    if explorations.followed_nothing:
        found = counted(explorations.followed_nothing, "exploration")
        yield Text(f"{found} found nothing to follow: in no average", "yellow")
    if explorations.unjudged:
        yield Text(f"{counted(explorations.unjudged, 'path')} without a threshold to judge by", "yellow")
    if explorations.stray_hops:
        rate = percent(explorations.stray_hops / explorations.hops)
        yield Text(
            f"{explorations.stray_hops:,} of {counted(explorations.hops, 'hop')} strange ({rate})", "red"
        )
    for stray in explorations.strays[:STRAYS_SHOWN]:
        yield from _stray(stray)
    yield from more(len(explorations.strays), STRAYS_SHOWN)
    if explorations.stray_hops:
        yield Text()
        yield strays_table("strange hops by relation", explorations.stray_relations[:PLACES_SHOWN])
        yield from more(len(explorations.stray_relations), PLACES_SHOWN)
        yield Text()
        yield strays_table("and by the concept they come to", explorations.stray_concepts[:PLACES_SHOWN])
        yield from more(len(explorations.stray_concepts), PLACES_SHOWN)
    if explorations.hubs:
        yield Text()
        yield hubs_table(explorations.hubs[:PLACES_SHOWN], explorations.questions)
        yield from more(len(explorations.hubs), PLACES_SHOWN)
    if explorations.dead_ends:
        yield Text()
        yield dead_ends_table(explorations.dead_ends[:PLACES_SHOWN])
        yield from more(len(explorations.dead_ends), PLACES_SHOWN)


def render_exploration(exploration: Exploration, *, show_rejected: bool) -> Group:
    """One exploration: what for, its path, what is strange about it, and what was not followed."""
    return Group(*_exploration(exploration, show_rejected=show_rejected))


def named_exploration(exploration: Exploration) -> Iterator[RenderableType]:
    """Which exploration it is, in three lines."""
    yield Text(f"{one_line(exploration.question_id)}  {one_line(exploration.query)}", "bold")
    about = [f"explored {exploration.started_at:%Y-%m-%d %H:%M:%S} UTC in {duration(exploration.latency_ms)}"]
    if exploration.wrong_concept:
        about.insert(0, f"wrong concept {exploration.wrong_concept}")
    if exploration.source != "explorer":
        about.append(f"told by the {exploration.source}")
    yield Text(one_line(", ".join(about)), "dim")
    yield Text(f"event_id {one_line(exploration.event_id)}", "dim")


def drawn(path: Sequence[Hop], strange: Sequence[Hop] = (), *, indent: str = "") -> Iterator[RenderableType]:
    """The path as the product's document draws it, a line each and none of them wrapped."""
    # an arrow stands under the one above it
    for line in draw_path(path, strange=strange).splitlines() or ["no hop was followed"]:
        yield Text(f"{indent}{one_line(line)}", no_wrap=True, overflow="ignore")


def _exploration(exploration: Exploration, *, show_rejected: bool) -> Iterator[RenderableType]:
    measured = measure_path(exploration)
    anomalous = measured.anomalous_hops or ()
    yield from named_exploration(exploration)
    yield Text(one_line(bounds_in_words(exploration)), "dim")
    yield Text()
    yield from drawn(measured.path, [anomaly.hop for anomaly in anomalous])
    for anomaly in anomalous:
        yield Text(one_line(_explained(anomaly, measured.similarity_threshold)), "yellow")
    yield Text()
    yield Text(_summed_up(measured))
    for sentence in exploration.uncaptured:
        yield Text(f"not captured: {one_line(sentence)}", "yellow")
    if exploration.error_type:
        yield Text(
            f"it failed with {one_line(exploration.error_type)}: {one_line(exploration.error_message)}", "red"
        )
    rejected = [hop for hop in exploration.hops if hop.verdict != "followed"]
    if not rejected:
        return
    if show_rejected:
        yield Text()
        yield hops_table(rejected)
    else:
        yield Text(
            f"{counted(len(rejected), 'hop')} looked at and not followed: --rejected shows them", "dim"
        )


def _summed_up(measured: MeasuredPath) -> str:
    lowest = "" if measured.min_similarity is None else f", the lowest score {measured.min_similarity:.2f}"
    unjudged = "; no threshold to judge them by" if measured.anomalous_hops is None else ""
    length = counted(measured.path_length, "hop")
    return f"{length} followed, {measured.exploration_depth} deep{lowest}{unjudged}"


def _stray(stray: StrayPath) -> Iterator[RenderableType]:
    measured = stray.measured
    anomalous = measured.anomalous_hops or ()
    yield Text()
    yield Text.assemble(
        (f"{one_line(stray.question_id)}  {one_line(stray.query)}", "bold"),
        (f"  walked {'once' if stray.times == 1 else f'{stray.times} times'}", "dim"),
    )
    yield from drawn(measured.path, [anomaly.hop for anomaly in anomalous], indent="  ")
    for anomaly in anomalous:
        reason = Text(one_line(_explained(anomaly, measured.similarity_threshold)), "yellow")
        yield Padding(reason, (0, 0, 0, 2), expand=False)


def _explained(anomaly: AnomalousHop, threshold: float | None) -> str:
    hop = anomaly.hop
    scores = {"edge": hop.edge_similarity, "question": hop.similarity_score, "threshold": threshold}
    known = ", ".join(f"{name} {score:.2f}" for name, score in scores.items() if score is not None)
    return f"{hop.next_node} {' and '.join(anomaly.reasons)} ({known})"
