"""What an exploration shows: its path, which of its hops are strange, and where it came to no further."""

from dataclasses import dataclass

from examsgraph_callbacks.events import Exploration, Hop, Verdict

__all__ = ["AnomalousHop", "MeasuredPath", "dead_ends", "frontiers", "measure_path"]

_NO_WAY_ON: tuple[Verdict, ...] = ("below_threshold", "cycle")


@dataclass(frozen=True, slots=True)
class AnomalousHop:
    """A hop on the path that scores below the threshold, and in which ways it does."""

    hop: Hop
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeasuredPath:
    """The followed hops of an exploration, in the order in which they were judged.

    `path_length` counts them, `exploration_depth` is the deepest level among them (0 for no path), and
    `min_similarity` is their lowest known `similarity_score`, on the exploration's scale. `anomalous_hops` is
    None where there is no threshold to judge by, which is not the same as none being anomalous.
    """

    path: tuple[Hop, ...]
    path_length: int
    exploration_depth: int
    min_similarity: float | None
    similarity_threshold: float | None
    anomalous_hops: tuple[AnomalousHop, ...] | None


def measure_path(exploration: Exploration, similarity_threshold: float | None = None) -> MeasuredPath:
    """The path of `exploration`, its hops judged by its own threshold unless another is given.

    A hop is anomalous where its `similarity_score` (the question and `next_node`) is below the threshold,
    or its `edge_similarity` (`node` and `next_node`), as far as they are known.
    """
    path = tuple(hop for hop in exploration.hops if hop.verdict == "followed")
    known = [hop.similarity_score for hop in path if hop.similarity_score is not None]
    threshold = similarity_threshold
    if threshold is None:
        threshold = exploration.retrieval_params.similarity_threshold
    return MeasuredPath(
        path=path,
        path_length=len(path),
        exploration_depth=max((hop.depth for hop in path), default=0),
        min_similarity=min(known, default=None),
        similarity_threshold=threshold,
        anomalous_hops=None if threshold is None else _anomalous(path, threshold),
    )


def frontiers(exploration: Exploration) -> tuple[tuple[str, ...], ...]:
    """The concepts whose relations were looked at, level by level, those without any relation too.

    None is known where it was not this package's explorer that explored. Of an exploration that failed
    half-way, the levels that it has hops of.
    """
    if exploration.source != "explorer":
        return ()
    params = exploration.retrieval_params
    deepest = max((hop.depth for hop in exploration.hops), default=0)
    if exploration.status != "ok" or params.depth is None or params.max_hops is None:
        return tuple(_frontier(exploration, level) for level in range(1, deepest + 1))
    found = []
    for level in range(1, params.depth + 1):
        followed = sum(hop.verdict == "followed" and hop.depth < level for hop in exploration.hops)
        frontier = _frontier(exploration, level)
        if not frontier or followed >= params.max_hops:
            break
        found.append(frontier)
    return tuple(found)


def dead_ends(exploration: Exploration) -> tuple[str, ...]:
    """The concepts whose every relation leads back or away from the question, and those without any.

    Nothing was followed from them though their relations were looked at. A concept that only had to give
    way to better hops (`beam`, `fan_out`, `max_hops`) is none.
    """
    led_on = {hop.node for hop in exploration.hops if hop.verdict not in _NO_WAY_ON}
    return tuple(node for frontier in frontiers(exploration) for node in frontier if node not in led_on)


def _frontier(exploration: Exploration, level: int) -> tuple[str, ...]:
    if level == 1:
        return tuple(seed.node for seed in exploration.seeds)
    return tuple(
        hop.next_node for hop in exploration.hops if hop.verdict == "followed" and hop.depth == level - 1
    )


def _anomalous(path: tuple[Hop, ...], threshold: float) -> tuple[AnomalousHop, ...]:
    judged = ((hop, _reasons(hop, threshold)) for hop in path)
    return tuple(AnomalousHop(hop, reasons) for hop, reasons in judged if reasons)


def _reasons(hop: Hop, threshold: float) -> tuple[str, ...]:
    reasons = []
    if hop.similarity_score is not None and hop.similarity_score < threshold:
        reasons.append("leaves the question")
    if hop.edge_similarity is not None and hop.edge_similarity < threshold:
        reasons.append(f"drifts from {hop.node}")
    return tuple(reasons)
