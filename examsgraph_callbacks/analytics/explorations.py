"""How far the graph was walked, which hops went astray and where, and where the graph lacks or crowds."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.measure import MeasuredPath, dead_ends, measure_path

__all__ = [
    "INEFFICIENT_DEPTH",
    "DeadEnd",
    "ExplorationReport",
    "ExplorationTally",
    "Hub",
    "StrayPath",
    "StrayRate",
]

INEFFICIENT_DEPTH = 5
"""Hops: an average depth of so many or more is inefficient (the product's document, exploration view)."""

HUB_QUESTIONS = 2
"""A concept that so many different questions led to, or more, is counted among the hubs."""


@dataclass(frozen=True, slots=True)
class StrayPath:
    """A path with anomalous hops, and the learners for whom it was walked, `times` in all."""

    question_id: str | None
    wrong_concept: str | None
    query: str | None
    measured: MeasuredPath
    times: int
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StrayRate:
    """Of the `hops` that were followed along a relation, or to a concept, how many are `strays`."""

    name: str
    hops: int
    strays: int

    @property
    def rate(self) -> float:
        """The share of strays, from 0 to 1."""
        return self.strays / self.hops


@dataclass(frozen=True, slots=True)
class Hub:
    """A concept that hops led to from many `questions`, in `explorations` of them."""

    concept: str
    questions: int
    explorations: int


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """A concept from which nothing could be followed, though its relations were looked at, `times`.

    `has_relations` says whether it had any then: where it had, all led back or away from the question.
    """

    concept: str
    times: int
    has_relations: bool


@dataclass(frozen=True, slots=True)
class ExplorationReport:
    """Explorations that ended well; the averages (hops) are None where none followed anything.

    A path's length counts its hops, its depth the levels. An exploration that found nothing to follow has no
    path: it is among `followed_nothing`, and in neither average. `strays` holds each different path once, the
    most walked first; `unjudged` counts the explorations that had no threshold to judge their paths by:
    their hops are in no rate. The rates hold those with strays, the most strays first; hubs come by
    falling questions, dead ends by falling times, ties by name.
    """

    count: int
    followed_nothing: int
    average_depth: float | None
    average_length: float | None
    unjudged: int
    hops: int
    stray_hops: int
    strays: tuple[StrayPath, ...]
    stray_relations: tuple[StrayRate, ...]
    stray_concepts: tuple[StrayRate, ...]
    questions: int
    hubs: tuple[Hub, ...]
    dead_ends: tuple[DeadEnd, ...]

    @property
    def is_inefficient(self) -> bool:
        """Whether the average depth reaches `INEFFICIENT_DEPTH`."""
        return self.average_depth is not None and self.average_depth >= INEFFICIENT_DEPTH


class ExplorationTally:
    """Takes explorations one by one."""

    def __init__(self) -> None:
        self._count = 0
        self._followed_nothing = 0
        self._depths = 0
        self._lengths = 0
        self._unjudged = 0
        self._strays: dict[tuple[object, ...], tuple[Exploration, MeasuredPath, list[str | None]]] = {}
        self._relations = _Rates()
        self._concepts = _Rates()
        self._questions: set[str] = set()
        self._led_to: defaultdict[str, set[str]] = defaultdict(set)
        self._arrivals: Counter[str] = Counter()
        self._dead_ends: Counter[str] = Counter()
        self._with_relations: set[str] = set()

    def add(self, exploration: Exploration) -> None:
        """Count one more exploration, unless it failed half-way."""
        if exploration.status == "error":
            return
        measured = measure_path(exploration)
        self._count += 1
        self._followed_nothing += not measured.path
        self._depths += measured.exploration_depth
        self._lengths += measured.path_length
        self._unjudged += measured.anomalous_hops is None
        if measured.anomalous_hops:
            key = (exploration.question_id, exploration.query, measured.similarity_threshold, measured.path)
            _, _, walkers = self._strays.setdefault(key, (exploration, measured, []))
            walkers.append(exploration.user_id)
        self._add_rates(measured)
        self._add_places(exploration, measured)

    def _add_rates(self, measured: MeasuredPath) -> None:
        if measured.anomalous_hops is None:
            return
        anomalous = {anomaly.hop for anomaly in measured.anomalous_hops}
        for hop in measured.path:
            self._relations.add(hop.relation, is_stray=hop in anomalous)
            self._concepts.add(hop.next_node, is_stray=hop in anomalous)

    def _add_places(self, exploration: Exploration, measured: MeasuredPath) -> None:
        # explorations of nothing that tells them apart count as one question each
        question = exploration.question_id or exploration.query or exploration.event_id
        self._questions.add(question)
        for concept in {hop.next_node for hop in measured.path}:
            self._led_to[concept].add(question)
            self._arrivals[concept] += 1
        ends = dead_ends(exploration)
        self._dead_ends.update(ends)
        self._with_relations.update({hop.node for hop in exploration.hops}.intersection(ends))

    def report(self) -> ExplorationReport:
        """What the explorations so far amount to."""
        strays = [
            StrayPath(
                question_id=exploration.question_id,
                wrong_concept=exploration.wrong_concept,
                query=exploration.query,
                measured=measured,
                times=len(walkers),
                user_ids=tuple(sorted({user_id for user_id in walkers if user_id is not None})),
            )
            for exploration, measured, walkers in self._strays.values()
        ]
        hubs = [
            Hub(concept, len(questions), self._arrivals[concept])
            for concept, questions in self._led_to.items()
            if len(questions) >= HUB_QUESTIONS
        ]
        ends = [
            DeadEnd(concept, times, concept in self._with_relations)
            for concept, times in self._dead_ends.items()
        ]
        walked = self._count - self._followed_nothing
        return ExplorationReport(
            count=self._count,
            followed_nothing=self._followed_nothing,
            average_depth=self._depths / walked if walked else None,
            average_length=self._lengths / walked if walked else None,
            unjudged=self._unjudged,
            hops=self._relations.hops.total(),
            stray_hops=self._relations.strays.total(),
            strays=tuple(sorted(strays, key=lambda stray: (-stray.times, stray.question_id or ""))),
            stray_relations=tuple(self._relations.worst_first()),
            stray_concepts=tuple(self._concepts.worst_first()),
            questions=len(self._questions),
            hubs=tuple(sorted(hubs, key=lambda hub: (-hub.questions, -hub.explorations, hub.concept))),
            dead_ends=tuple(sorted(ends, key=lambda end: (-end.times, end.concept))),
        )


class _Rates:
    """Counts hops, and strays among them, by a name."""

    def __init__(self) -> None:
        self.hops: Counter[str] = Counter()
        self.strays: Counter[str] = Counter()

    def add(self, name: str, *, is_stray: bool) -> None:
        self.hops[name] += 1
        self.strays[name] += is_stray

    def worst_first(self) -> Iterable[StrayRate]:
        rates = [StrayRate(name, self.hops[name], strays) for name, strays in self.strays.items() if strays]
        return sorted(rates, key=lambda rate: (-rate.strays, -rate.rate, rate.name))
