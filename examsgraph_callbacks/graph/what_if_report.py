"""What other bounds would have made of all the explorations of a journal, summed up."""

from collections import Counter
from dataclasses import dataclass, field

from examsgraph_callbacks.events import Exploration, Fact, Retrieval, RetrievalParams
from examsgraph_callbacks.graph.what_if import WhatIf, what_if
from examsgraph_callbacks.measure import MeasuredPath, document_tokens, measure_path

__all__ = ["ContextTokens", "PathFigures", "WhatIfReport", "WhatIfTally"]


@dataclass(frozen=True, slots=True)
class PathFigures:
    """The paths of some explorations: their hops in all, and length and depth on average (hops).

    `judged_hops` are those that a threshold judges, `stray_hops` of them score below it.
    """

    hops: int
    judged_hops: int
    stray_hops: int
    average_length: float | None
    average_depth: float | None

    @property
    def stray_rate(self) -> float | None:
        """The share of strays among the judged hops, from 0 to 1; None where none is judged."""
        return self.stray_hops / self.judged_hops if self.judged_hops else None


@dataclass(frozen=True, slots=True)
class ContextTokens:
    """The tokens of the documents that some explorations retrieved: estimated, as documents always are.

    `unknown` counts documents, once for each time they were retrieved, whose text is not in the journal:
    `tokens` does not hold them.
    """

    tokens: int
    unknown: int


@dataclass(frozen=True, slots=True)
class WhatIfReport:
    """What the bounds in `changes` would have made of the explorations that ended well.

    `exact` of them can be worked out from the record, and of these `changed` would have had another
    path; the others need a new run, `told` of them as another retriever or the caller told only their
    path. `new_run_for` counts the concepts that new runs would have to look at, the most wanted first.

    Everything below is of the exact ones, before and after, so that like is compared with like. Strays
    are judged by each exploration's own recorded threshold in both, and in `strays_by_new_threshold` by
    the new one (None where the threshold is not changed).
    """

    changes: RetrievalParams
    explorations: int
    exact: int
    changed: int
    told: int
    new_run_for: tuple[tuple[str, int], ...]
    cut: int
    added: int
    before: PathFigures
    after: PathFigures
    strays_by_new_threshold: int | None
    context_before: ContextTokens
    context_after: ContextTokens

    @property
    def exact_share(self) -> float | None:
        """The share of exact answers, from 0 to 1; None where there were no explorations."""
        return self.exact / self.explorations if self.explorations else None


@dataclass(slots=True)
class _PathTally:
    explorations: int = 0
    hops: int = 0
    judged: int = 0
    strays: int = 0
    depths: int = 0

    def add(self, measured: MeasuredPath) -> None:
        self.explorations += 1
        self.hops += measured.path_length
        self.depths += measured.exploration_depth
        if measured.anomalous_hops is not None:
            self.judged += measured.path_length
            self.strays += len(measured.anomalous_hops)

    def figures(self) -> PathFigures:
        count = self.explorations
        return PathFigures(
            hops=self.hops,
            judged_hops=self.judged,
            stray_hops=self.strays,
            average_length=self.hops / count if count else None,
            average_depth=self.depths / count if count else None,
        )


@dataclass(slots=True)
class WhatIfTally:
    """Takes a journal's facts one by one, in any order, and asks `what_if` of each exploration.

    Raises, as it takes them, what `what_if` raises.
    """

    changes: RetrievalParams
    _explorations: int = 0
    _exact: int = 0
    _changed: int = 0
    _told: int = 0
    _cut: int = 0
    _added: int = 0
    _strays_by_new: int = 0
    _new_run_for: Counter[str] = field(default_factory=Counter)
    _before: _PathTally = field(default_factory=_PathTally)
    _after: _PathTally = field(default_factory=_PathTally)
    _retrieved_before: Counter[str] = field(default_factory=Counter)
    _retrieved_after: Counter[str] = field(default_factory=Counter)
    _tokens: dict[str, int] = field(default_factory=dict)

    def add(self, fact: Fact) -> None:
        """Take one more fact."""
        if isinstance(fact, Retrieval):
            self._add_texts(fact)
        elif isinstance(fact, Exploration) and fact.status == "ok":
            self._add_answer(what_if(fact, self.changes))

    def report(self) -> WhatIfReport:
        """What the facts so far amount to."""
        has_threshold = self.changes.similarity_threshold is not None
        return WhatIfReport(
            changes=self.changes,
            explorations=self._explorations,
            exact=self._exact,
            changed=self._changed,
            told=self._told,
            new_run_for=tuple(sorted(self._new_run_for.items(), key=lambda item: (-item[1], item[0]))),
            cut=self._cut,
            added=self._added,
            before=self._before.figures(),
            after=self._after.figures(),
            strays_by_new_threshold=self._strays_by_new if has_threshold else None,
            context_before=self._context(self._retrieved_before),
            context_after=self._context(self._retrieved_after),
        )

    def _add_answer(self, answer: WhatIf) -> None:
        exploration = answer.exploration
        self._explorations += 1
        if not answer.is_exact:
            self._told += exploration.source != "explorer"
            self._new_run_for.update(answer.new_run_for)
            return
        again = exploration.model_copy(update={"hops": answer.hops})
        self._exact += 1
        self._changed += bool(answer.cut or answer.added)
        self._cut += len(answer.cut)
        self._added += len(answer.added)
        self._before.add(measure_path(exploration))
        self._after.add(measure_path(again))
        by_new = measure_path(again, self.changes.similarity_threshold).anomalous_hops
        self._strays_by_new += len(by_new or ())
        self._retrieved_before.update(_retrieved(exploration))
        self._retrieved_after.update(_retrieved(again))

    def _add_texts(self, retrieval: Retrieval) -> None:
        for document in retrieval.documents:
            concept = document.metadata.get("concept") or document.id
            if isinstance(concept, str) and concept not in self._tokens:
                tokens = document_tokens(document)
                if tokens is not None:
                    self._tokens[concept] = tokens

    def _context(self, retrieved: Counter[str]) -> ContextTokens:
        known = {concept: times for concept, times in retrieved.items() if concept in self._tokens}
        return ContextTokens(
            tokens=sum(self._tokens[concept] * times for concept, times in known.items()),
            unknown=retrieved.total() - sum(known.values()),
        )


def _retrieved(exploration: Exploration) -> list[str]:
    """The concepts whose texts were handed on: where it began, and what it reached."""
    reached = [hop.next_node for hop in exploration.hops if hop.verdict == "followed"]
    return list(dict.fromkeys([*(seed.node for seed in exploration.seeds), *reached]))
