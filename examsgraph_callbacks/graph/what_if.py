"""What other bounds would have made of a recorded exploration, worked out from its record alone."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from examsgraph_callbacks.errors import InvalidInputError
from examsgraph_callbacks.events import Exploration, Hop, RetrievalParams
from examsgraph_callbacks.graph.backend import Candidate
from examsgraph_callbacks.graph.bounds import Bounds
from examsgraph_callbacks.graph.explorer import ExplorationResult, judged, next_frontier
from examsgraph_callbacks.graph.trails import trails
from examsgraph_callbacks.measure import frontiers

__all__ = ["WhatIf", "sweep_thresholds", "what_if"]

_BOUNDS = ("depth", "similarity_threshold", "max_hops", "beam_width", "fan_out")
_UPPER_BOUNDS = ("depth", "max_hops", "beam_width", "fan_out")
_NAMED = 3  # concepts that a sentence names

_Relation = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What `exploration` would have been under the bounds `params`, whose threshold is on its own scale.

    Where `is_exact`, `hops` are those that a new run would look at, with its verdicts, as long as the
    graph is what it was. Else they are those of the levels that are certain, `new_run_for` names the
    concepts whose relations would have to be looked at next, and `why_not_exact` says so in a sentence.

    `cut` are the recorded path's hops that would not be followed (where that is not exact, only those that
    no run could follow, as they are below the threshold), `added` those that would be and were not.

    Of a path that another retriever or the caller told, only what was followed is known: `hops` is then
    what would remain of it.
    """

    exploration: Exploration
    params: RetrievalParams
    hops: tuple[Hop, ...]
    cut: tuple[Hop, ...] = ()
    added: tuple[Hop, ...] = ()
    why_not_exact: str | None = None
    new_run_for: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether a new run would come to the same."""
        return self.why_not_exact is None

    @property
    def path(self) -> tuple[Hop, ...]:
        """The hops that would be followed, as far as that is certain."""
        return _followed(self.hops)


def what_if(exploration: Exploration, changes: RetrievalParams) -> WhatIf:
    """Explore again from the record, under the bounds that `changes` sets and else the recorded ones.

    The levels are judged anew, one by one, with the recorded hops as the graph. That is exact as long as
    every concept whose relations are asked for had them looked at, all of them, when it was recorded.

    Raises `InvalidInputError` for bounds that make no sense, and for `changes` of the seeds: which
    concepts are the next nearest to a query is not recorded.
    """
    return _answer(_Record(exploration), changes)


def sweep_thresholds(exploration: Exploration, thresholds: Iterable[float]) -> tuple[WhatIf, ...]:
    """`what_if` for each similarity threshold, nothing else changed.

    Thresholds with no score between them come to the same, which is worked out once.
    """
    record, recorded = _Record(exploration), exploration.retrieval_params.similarity_threshold
    scores = sorted({hop.similarity_score for hop in exploration.hops if hop.similarity_score is not None})
    known: dict[tuple[int, bool, bool], WhatIf] = {}
    answers = []
    for threshold in thresholds:
        changes = RetrievalParams(similarity_threshold=threshold)
        is_looser = recorded is not None and threshold < recorded
        key = (bisect_left(scores, threshold), is_looser, threshold == recorded)
        answer = known.get(key)
        if answer is None:
            answer = known[key] = _answer(record, changes)
        answers.append(
            replace(answer, params=answer.params.model_copy(update={"similarity_threshold": threshold}))
        )
    return tuple(answers)


def _answer(record: "_Record", changes: RetrievalParams) -> WhatIf:
    exploration = record.exploration
    if changes.seeds is not None:
        raise InvalidInputError(
            f"expected other bounds for the same seeds, got seeds={changes.seeds}: explore anew for others",
        )
    Bounds.of(changes)  # refuses what makes no sense
    recorded = exploration.retrieval_params
    changed = {
        name: value
        for name, value in changes.model_dump(exclude_none=True).items()
        if value != getattr(recorded, name)
    }
    params = recorded.model_copy(update=changed)
    if not changed and exploration.status == "ok":
        return WhatIf(exploration, params, exploration.hops)
    if exploration.source != "explorer":
        return _of_a_told_path(exploration, params, RetrievalParams(**changed))
    if record.flaw is not None:
        return WhatIf(exploration, params, (), _below(exploration, params), why_not_exact=record.flaw)
    hops, missing = record.replayed(Bounds.of(params))
    path, before = _followed(hops), _followed(exploration.hops)
    return WhatIf(
        exploration,
        params,
        hops,
        cut=_below(exploration, params) if missing else _without(before, path),
        added=_without(path, before),
        why_not_exact=record.what_is_missing(missing) if missing else None,
        new_run_for=missing,
    )


class _Record:
    """The graph as far as an exploration of ours saw it."""

    def __init__(self, exploration: Exploration) -> None:
        self.exploration = exploration
        self._looked_at = {node for frontier in frontiers(exploration) for node in frontier}
        # of these, the explorer looked at a part of the relations only
        self._sampled = {each.node for each in exploration.sampled}
        self._known = {_relation(hop): hop for hop in exploration.hops}

    @cached_property
    def flaw(self) -> str | None:
        """Why nothing can be worked out from this record; None where it explains itself.

        Bounds that are not all recorded, or a record that its own bounds do not lead to again, may come
        from another version's rules.
        """
        exploration, params = self.exploration, self.exploration.retrieval_params
        if open_bounds := [name for name in _BOUNDS if getattr(params, name) is None]:
            return f"its {' and '.join(open_bounds)} were not recorded: explore anew"
        if exploration.status != "ok" and not exploration.seeds:
            return "it failed before it began anywhere: explore anew"
        if any(hop.similarity_score is None or hop.edge_similarity is None for hop in exploration.hops):
            return "some of its scores were not recorded: explore anew"
        hops, _ = self.replayed(Bounds.of(params), sampled=())
        if hops != exploration.hops:
            return "its own bounds do not lead to what it recorded: explore anew"
        return None

    @cached_property
    def _candidates(self) -> Mapping[str, Sequence[Candidate]]:
        found: defaultdict[str, list[Candidate]] = defaultdict(list)
        for hop in self.exploration.hops:
            if hop.similarity_score is not None and hop.edge_similarity is not None:  # else there is a flaw
                candidate = Candidate(
                    node=hop.node,
                    relation=hop.relation,
                    next_node=hop.next_node,
                    similarity_score=hop.similarity_score,
                    edge_similarity=hop.edge_similarity,
                    direction=hop.direction,
                )
                found[hop.node].append(candidate)
        return found

    def replayed(
        self, bounds: Bounds, sampled: Collection[str] | None = None
    ) -> tuple[tuple[Hop, ...], tuple[str, ...]]:
        """The hops under `bounds` as far as they are certain, and what would have to be looked at next."""
        unknown = self._sampled if sampled is None else sampled
        result = ExplorationResult(
            query=self.exploration.query,
            bounds=bounds,
            backend=self.exploration.backend or "",
            seeds=self.exploration.seeds,
            round_trips=1,
        )
        missing: tuple[str, ...] = ()
        while frontier := next_frontier(result):
            missing = tuple(node for node in frontier if node not in self._looked_at or node in unknown)
            if missing:
                break
            result = judged(
                result, [candidate for node in frontier for candidate in self._candidates.get(node, ())]
            )
        return self._as_recorded(result.hops), missing

    def what_is_missing(self, nodes: Sequence[str]) -> str:
        """The sentence on the concepts that a new run would have to look at."""
        if sampled := [node for node in nodes if node in self._sampled]:
            return f"of the relations of {_listed(sampled)} only a sample was looked at: explore anew"
        return f"the relations of {_listed(nodes)} were not looked at: explore anew"

    def _as_recorded(self, hops: Iterable[Hop]) -> tuple[Hop, ...]:
        """The same hops with all that was recorded of them."""
        return tuple(
            self._known[_relation(hop)].model_copy(update={"depth": hop.depth, "verdict": hop.verdict})
            for hop in hops
        )


def _of_a_told_path(exploration: Exploration, params: RetrievalParams, changed: RetrievalParams) -> WhatIf:
    """What the changed bounds leave of a path of which nothing but the followed hops is known."""
    path = _followed(exploration.hops)
    kept: list[tuple[Hop, ...]] = []
    for trail in trails(path):
        if (len(trail) == 1 or trail[:-1] in kept) and _has_room(trail, kept, changed):
            kept.append(trail)
    why_not: str | None = None
    if len(kept) < len(path):
        why_not = (
            "only the followed hops were recorded, and others might take the place of those that are cut"
        )
    elif _is_looser(changed, exploration.retrieval_params):
        why_not = "only the followed hops were recorded, and looser bounds might add others"
    elif any(hop.similarity_score is None for hop in path):
        why_not = "the score of a hop is not known"
    elif exploration.uncaptured or exploration.status != "ok":
        why_not = "it was not recorded to its end"
    return WhatIf(
        exploration,
        params,
        hops=tuple(trail[-1] for trail in kept),
        cut=_below(exploration, changed),
        why_not_exact=why_not and f"{why_not}: explore anew",
    )


def _has_room(trail: Sequence[Hop], kept: Sequence[Sequence[Hop]], params: RetrievalParams) -> bool:
    # a trail's length is its level: who tells a path need not say its hops' depths
    level = [other for other in kept if len(other) == len(trail)]
    counts = (
        (params.depth, len(trail) - 1),
        (params.max_hops, len(kept)),
        (params.beam_width, len(level)),
        (params.fan_out, sum(other[-1].node == trail[-1].node for other in level)),
    )
    fits = all(bound is None or count < bound for bound, count in counts)
    return fits and not _is_below(trail[-1], params.similarity_threshold)


def _is_looser(changed: RetrievalParams, recorded: RetrievalParams) -> bool:
    before, after = recorded.similarity_threshold, changed.similarity_threshold
    return (before is not None and after is not None and after < before) or any(
        (old := getattr(recorded, name)) is not None and (new := getattr(changed, name)) and new > old
        for name in _UPPER_BOUNDS
    )


def _below(exploration: Exploration, params: RetrievalParams) -> tuple[Hop, ...]:
    """The followed hops that cannot be followed any more, whatever else is."""
    return tuple(hop for hop in _followed(exploration.hops) if _is_below(hop, params.similarity_threshold))


def _is_below(hop: Hop, threshold: float | None) -> bool:
    return hop.similarity_score is not None and threshold is not None and hop.similarity_score < threshold


def _without(hops: Iterable[Hop], others: Iterable[Hop]) -> tuple[Hop, ...]:
    """Those that go along a relation that no other does."""
    taken = {_relation(hop) for hop in others}
    return tuple(hop for hop in hops if _relation(hop) not in taken)


def _followed(hops: Iterable[Hop]) -> tuple[Hop, ...]:
    return tuple(hop for hop in hops if hop.verdict == "followed")


def _relation(hop: Hop) -> _Relation:
    return hop.node, hop.relation, hop.next_node, hop.direction


def _listed(nodes: Sequence[str]) -> str:
    named = ", ".join(nodes[:_NAMED])
    return f"{named} and {len(nodes) - _NAMED} more" if len(nodes) > _NAMED else named
