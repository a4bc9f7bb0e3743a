"""An exploration as the tree that a picture shows: each arrival at a concept, and what was left aside."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from examsgraph_callbacks.events import Exploration, Hop, Verdict
from examsgraph_callbacks.graph.drawing import shown_score
from examsgraph_callbacks.graph.pictures.words import WORDS, Language
from examsgraph_callbacks.graph.trails import trails
from examsgraph_callbacks.measure import measure_path

__all__ = ["Arrival", "Rejected", "path_tree", "strange_hops"]

REJECTED_SHOWN = 4
"""So many hops that were not followed are shown of each concept, the best; of the others, how many."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The hops that were not followed from one concept: the best, and how many more by verdict.

    Hops are named by their positions in the exploration.
    """

    hops: tuple[int, ...] = ()
    more: tuple[tuple[Verdict, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A concept as it was come to: as a beginning, or by the hop at position `hop`.

    `score` is its similarity to the query. `level` counts the hops from the beginning, `branch` the
    turns off the longest way. `parent` is the position of the arrival that it continues.
    """

    node: str
    hop: int | None
    score: float | None
    level: int
    branch: int
    parent: int | None
    rejected: Rejected


def path_tree(exploration: Exploration, always_shown: Collection[int] = ()) -> tuple[Arrival, ...]:
    """The arrivals of an exploration, each followed by what continues it: side ways first, the longest last.

    The positions in `always_shown` are never left out of the rejected hops.
    """
    followed = [index for index, hop in enumerate(exploration.hops) if hop.verdict == "followed"]
    parents, beginnings = _parents([exploration.hops[index] for index in followed], exploration)
    # arrivals are numbered: first the beginnings, then the followed hops, so that parents come first
    count = len(beginnings) + len(followed)
    children: defaultdict[int, list[int]] = defaultdict(list)
    for number in range(len(beginnings), count):
        children[parents[number - len(beginnings)]].append(number)
    weights = [1] * count
    for number in reversed(range(len(beginnings), count)):
        weights[parents[number - len(beginnings)]] += weights[number]
    last_arrivals = {node: number for number, node in enumerate(beginnings)}
    for number, reached in enumerate(followed, start=len(beginnings)):
        last_arrivals[exploration.hops[reached].next_node] = number
    rejected = _rejected(exploration.hops, last_arrivals, always_shown)
    seed_scores = {seed.node: seed.similarity_score for seed in exploration.seeds}

    arrivals: list[Arrival] = []
    stack: list[tuple[int, int | None, int, int]] = [
        (number, None, 0, 0) for number in reversed(range(len(beginnings)))
    ]
    while stack:
        number, parent, level, branch = stack.pop()
        index = None if number < len(beginnings) else followed[number - len(beginnings)]
        node = beginnings[number] if index is None else exploration.hops[index].next_node
        score = seed_scores.get(node) if index is None else exploration.hops[index].similarity_score
        here = len(arrivals)
        arrivals.append(
            Arrival(node, index, score, level, branch, parent, rejected.get(number, Rejected())),
        )
        onward = children[number]
        if onward:
            # the way with the most behind it goes straight on, so that branches nest log(n) deep at most
            main = max(onward, key=lambda child: weights[child])
            stack.append((main, here, level + 1, branch))
            stack.extend((child, here, level + 1, branch + 1) for child in reversed(onward) if child != main)
    return tuple(arrivals)


def strange_hops(exploration: Exploration, language: Language = "en") -> dict[int, tuple[str, ...]]:
    """The positions of the followed hops that score below the threshold, with the reasons in words."""
    measured, words = measure_path(exploration), WORDS[language]
    anomalous = {
        found.hop: tuple(map(words.reason, found.reasons)) for found in measured.anomalous_hops or ()
    }
    judged_by = words.threshold.format(threshold=shown_score(measured.similarity_threshold))
    return {
        index: (*anomalous[hop][:-1], f"{anomalous[hop][-1]} {judged_by}")
        for index, hop in enumerate(exploration.hops)
        if hop.verdict == "followed" and hop in anomalous
    }


def _parents(path: Sequence[Hop], exploration: Exploration) -> tuple[list[int], list[str]]:
    """For each hop of the path the arrival that it continues; and the concepts at which the path begins."""
    beginnings = list(dict.fromkeys(seed.node for seed in exploration.seeds))
    found = trails(path)
    beginnings += dict.fromkeys(
        trail[0].node for trail in found if len(trail) == 1 and trail[0].node not in beginnings
    )
    arrived = {node: number for number, node in enumerate(beginnings)}
    parents = []
    for position, hop in enumerate(path):
        parents.append(arrived[hop.node])
        arrived[hop.next_node] = len(beginnings) + position
    return parents, beginnings


def _rejected(
    hops: Sequence[Hop], arrivals: Mapping[str, int], always_shown: Collection[int]
) -> dict[int, Rejected]:
    by_arrival: defaultdict[int, list[int]] = defaultdict(list)
    for index, hop in enumerate(hops):
        if hop.verdict != "followed" and hop.node in arrivals:
            by_arrival[arrivals[hop.node]].append(index)
    return {number: _the_best(hops, positions, always_shown) for number, positions in by_arrival.items()}


def _the_best(hops: Sequence[Hop], positions: Sequence[int], always_shown: Collection[int]) -> Rejected:
    # a way back tells least: the relation is in the picture already, or leads to a concept that is
    ordered = sorted(
        positions,
        key=lambda index: (hops[index].verdict == "cycle", -(hops[index].similarity_score or 0.0), index),
    )
    best = set(ordered[:REJECTED_SHOWN]).union(always_shown)
    left_out = Counter(hops[index].verdict for index in ordered if index not in best)
    return Rejected(tuple(index for index in ordered if index in best), tuple(left_out.most_common()))
