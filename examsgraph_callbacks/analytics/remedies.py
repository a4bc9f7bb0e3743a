"""Whether a concept is understood better since it has a resource: scores before and after its first one."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from examsgraph_callbacks.events import ConceptResource, ResourceKind

__all__ = ["FEW_SCORES", "RemediedConcept", "RemedyTally", "Understanding"]

FEW_SCORES = 10
"""With fewer scores than this on a side, an average of 1 to 5 is moved by a single learner's mood."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """The average of so many `understanding_score`s (1 to 5); None where there are none."""

    scores: int
    average: float | None


@dataclass(frozen=True, slots=True)
class RemediedConcept:
    """A concept with resources, how many of which kind, its understanding before and `since` then (UTC)."""

    concept: str
    since: datetime
    resources: tuple[tuple[ResourceKind, int], ...]
    before: Understanding
    after: Understanding

    @property
    def has_few_scores(self) -> bool:
        """Whether one of the two averages rests on fewer scores than `FEW_SCORES`."""
        return min(self.before.scores, self.after.scores) < FEW_SCORES


@dataclass(slots=True)
class _Scores:
    count: int = 0
    total: int = 0

    def add(self, score: int) -> None:
        self.count += 1
        self.total += score

    def understanding(self) -> Understanding:
        return Understanding(self.count, self.total / self.count if self.count else None)


@dataclass(slots=True)
class _Remedy:
    since: datetime
    after: _Scores = field(default_factory=_Scores)
    kinds: Counter[ResourceKind] = field(default_factory=Counter)
    urls: set[str] = field(default_factory=set)


class RemedyTally:
    """Takes scores and resources in the order in which they were written."""

    def __init__(self) -> None:
        self._before: defaultdict[str, _Scores] = defaultdict(_Scores)
        self._remedies: dict[str, _Remedy] = {}

    def add_score(self, concept: str, score: int) -> None:
        """Count one more learner's understanding of a concept."""
        remedy = self._remedies.get(concept)
        (self._before[concept] if remedy is None else remedy.after).add(score)

    def add_resource(self, resource: ConceptResource) -> None:
        """A concept has a resource from now on."""
        remedy = self._remedies.setdefault(resource.concept, _Remedy(resource.started_at))
        if resource.url not in remedy.urls:
            remedy.urls.add(resource.url)
            remedy.kinds[resource.resource_kind] += 1

    def report(self) -> tuple[RemediedConcept, ...]:
        """The concepts with resources, in the order in which they got their first."""
        return tuple(
            RemediedConcept(
                concept=concept,
                since=remedy.since,
                resources=tuple(remedy.kinds.most_common()),
                before=self._before[concept].understanding(),
                after=remedy.after.understanding(),
            )
            for concept, remedy in self._remedies.items()
        )
