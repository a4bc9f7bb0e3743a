"""Which hops led to which: a path as the tree that it is."""

from collections.abc import Sequence

from examsgraph_callbacks.events import Hop

__all__ = ["branches", "trails"]


def trails(path: Sequence[Hop]) -> tuple[tuple[Hop, ...], ...]:
    """For each hop of the path, the hops that led to it from where the path begins, itself the last.

    A hop continues the latest earlier one that arrived at its node; where none did, it begins a trail.
    """
    arrived: dict[str, tuple[Hop, ...]] = {}
    found = []
    for hop in path:
        trail = (*arrived.get(hop.node, ()), hop)
        arrived[hop.next_node] = trail
        found.append(trail)
    return tuple(found)


def branches(path: Sequence[Hop]) -> tuple[tuple[Hop, ...], ...]:
    """The trails that no hop continues: one for each end of the path."""
    found = trails(path)
    continued = {trail[:-1] for trail in found}
    return tuple(trail for trail in found if trail not in continued)
