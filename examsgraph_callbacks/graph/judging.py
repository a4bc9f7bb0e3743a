"""Which candidates of one level are followed, and why the others are not: pure functions."""

from collections import Counter
from collections.abc import Collection, Iterable

from examsgraph_callbacks.events import Hop, Seed, Verdict
from examsgraph_callbacks.graph.backend import Candidate
from examsgraph_callbacks.graph.bounds import Bounds

__all__ = ["SCORE_DIGITS", "best_seeds", "judge_level"]

SCORE_DIGITS = 6
"""Decimals of a recorded score.

Neo4j computes cosines in 32-bit floats and numpy in 64-bit ones; they agree to about 1e-7. Scores are
compared as they are recorded, so that a judgement can be repeated from the record.
"""


def judge_level(
    candidates: Iterable[Candidate],
    *,
    visited: Collection[str],
    depth: int,
    hops_left: int,
    bounds: Bounds,
) -> tuple[Hop, ...]:
    """Every candidate with its verdict, in the order in which they were judged.

    The best comes first: by score, then by the next node's name, then (for two relations to one node)
    by the edge's similarity, the relation's name, the node's name and the direction. Never by an id,
    which differs from server to server. Of the reasons against following a hop, the first counts:

    1. `cycle`: `next_node` was `visited`, or a better hop of this level is followed to it;
    2. `below_threshold`: its score is below `similarity_threshold`;
    3. `fan_out`: `fan_out` hops of the same node are already scored into the level;
    4. `beam`: `beam_width` hops of this level are already followed;
    5. `max_hops`: `hops_left` hops of this level are already followed.
    """
    arrived = set(visited)
    scored_into_level: Counter[str] = Counter()
    followed = 0
    judged = []
    for candidate in sorted(candidates, key=_best_first):
        score = round(candidate.similarity_score, SCORE_DIGITS)
        verdict: Verdict
        if candidate.next_node in arrived:
            verdict = "cycle"
        elif score < bounds.similarity_threshold:
            verdict = "below_threshold"
        elif scored_into_level[candidate.node] == bounds.fan_out:
            verdict = "fan_out"
        else:
            scored_into_level[candidate.node] += 1
            if followed == bounds.beam_width:
                verdict = "beam"
            elif followed == hops_left:
                verdict = "max_hops"
            else:
                verdict = "followed"
                followed += 1
                arrived.add(candidate.next_node)
        judged.append(
            Hop(
                node=candidate.node,
                relation=candidate.relation,
                next_node=candidate.next_node,
                similarity_score=score,
                edge_similarity=round(candidate.edge_similarity, SCORE_DIGITS),
                cosine=round(2 * score - 1, SCORE_DIGITS),
                direction=candidate.direction,
                depth=depth,
                verdict=verdict,
            ),
        )
    return tuple(judged)


def best_seeds(seeds: Iterable[Seed], count: int) -> tuple[Seed, ...]:
    """The `count` seeds with the best scores, best first, ties in the order of their names."""
    rounded = (
        Seed(node=seed.node, similarity_score=round(seed.similarity_score, SCORE_DIGITS)) for seed in seeds
    )
    return tuple(sorted(rounded, key=lambda seed: (-seed.similarity_score, seed.node))[:count])


def _best_first(candidate: Candidate) -> tuple[float, str, float, str, str, str]:
    return (
        -round(candidate.similarity_score, SCORE_DIGITS),
        candidate.next_node,
        -round(candidate.edge_similarity, SCORE_DIGITS),
        candidate.relation,
        candidate.node,
        candidate.direction,
    )
