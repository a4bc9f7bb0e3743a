"""Puts what was collected in order: each relation a hop away from where the exploration began."""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import count
from operator import attrgetter
from typing import NamedTuple

from examsgraph_callbacks.events import Direction
from examsgraph_callbacks.graph.tap.collected import Collected, Link, NodeKey

__all__ = ["Arranged", "ArrangedHop", "arrange"]


class ArrangedHop(NamedTuple):
    """A hop between two nodes, by name; `key` and `next_key` are where their embeddings are known by."""

    node: str
    relation: str
    next_node: str
    direction: Direction
    depth: int
    key: NodeKey
    next_key: NodeKey

    @property
    def identity(self) -> tuple[str, str, str]:
        """The relation itself, whichever way it was walked."""
        ends = (self.node, self.next_node) if self.direction == "out" else (self.next_node, self.node)
        return ends[0], self.relation, ends[1]


class Arranged(NamedTuple):
    """The hops, the shallowest first, each relation once; `unnamed` counts those with a nameless end."""

    hops: tuple[ArrangedHop, ...]
    starts: tuple[NodeKey, ...]
    unnamed: int


def arrange(collected: Collected, names: Mapping[NodeKey, str]) -> Arranged:
    """The hops of what was collected.

    A path tells how deep its relations lie, and which end is the nearer. Of a relation that came by
    itself, a walk tells, breadth first from the seeds and the paths; where it does not reach, a relation
    begins a walk of its own at its source.
    """
    named = [step for step in collected.steps.values() if step.node in names and step.next_node in names]
    links = [link for link in collected.links.values() if link.source in names and link.target in names]
    on_paths = [
        ArrangedHop(
            names[step.node],
            step.relation,
            names[step.next_node],
            step.direction,
            step.depth,
            step.node,
            step.next_node,
        )
        for step in named
    ]
    beginnings = dict.fromkeys([*collected.seeds, *collected.starts])
    walked: list[ArrangedHop] = []
    own_starts: list[NodeKey] = []
    if links:
        depths = {names[key]: 0 for key in beginnings if key in names}
        for hop in on_paths:
            depths[hop.next_node] = min(hop.depth, depths.get(hop.next_node, hop.depth))
        walk = _Walk(links, names, depths)
        walked, own_starts = [*walk.hops()], walk.own_starts
    once: dict[tuple[str, str, str], ArrangedHop] = {}
    for hop in sorted([*on_paths, *walked], key=attrgetter("depth")):
        once.setdefault(hop.identity, hop)
    return Arranged(
        hops=tuple(once.values()),
        starts=(*beginnings, *own_starts),
        unnamed=len(collected.steps) + len(collected.links) - len(named) - len(links),
    )


class _Walk:
    """A walk over relations of which only the ends are known."""

    def __init__(self, links: list[Link], names: Mapping[NodeKey, str], depths: Mapping[str, int]) -> None:
        self._links = links
        self._names = names
        self._depths = dict(depths)
        self.own_starts: list[NodeKey] = []
        """Where it had to begin by itself."""
        self._at: defaultdict[str, list[int]] = defaultdict(list)
        for number, link in enumerate(links):
            for key in {names[link.source]: None, names[link.target]: None}:
                self._at[key].append(number)

    def hops(self) -> Iterator[ArrangedHop]:
        """Each relation once, from the end that is reached first."""
        walked: set[int] = set()
        order = count()
        waiting = [(depth, next(order), name) for name, depth in self._depths.items() if name in self._at]
        heapq.heapify(waiting)
        for number in range(len(self._links) + 1):
            while waiting:
                depth, _, name = heapq.heappop(waiting)
                for incident in self._at[name]:
                    if incident not in walked:
                        walked.add(incident)
                        hop = self._hop(self._links[incident], name, depth + 1)
                        if hop.next_node not in self._depths:
                            self._depths[hop.next_node] = depth + 1
                            heapq.heappush(waiting, (depth + 1, next(order), hop.next_node))
                        yield hop
            if number < len(self._links) and number not in walked:
                source = self._links[number].source
                self.own_starts.append(source)
                self._depths[self._names[source]] = 0
                waiting = [(0, next(order), self._names[source])]

    def _hop(self, link: Link, here: str, depth: int) -> ArrangedHop:
        source, target = self._names[link.source], self._names[link.target]
        if here == source:
            return ArrangedHop(source, link.relation, target, "out", depth, link.source, link.target)
        return ArrangedHop(target, link.relation, source, "in", depth, link.target, link.source)
