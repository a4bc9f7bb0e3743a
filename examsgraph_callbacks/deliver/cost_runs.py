"""Writes what calls cost to MLflow: a run of `LLM_Cost` a day, model and task type, with a point a call."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from examsgraph_callbacks.deliver.cost_points import CallPoint, DayRoute, DayTotals, call_point, day_route
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.measured import MeasuredTurn
from examsgraph_callbacks.deliver.points import MOST_POINTS, Point, log_points, read_points
from examsgraph_callbacks.deliver.repeating import repeated
from examsgraph_callbacks.deliver.runs import (
    RunContent,
    RunWriter,
    is_deleted,
    is_half_written,
    reaching,
)
from examsgraph_callbacks.measure import MeasuredCall, MeasuredEmbedding, model_family

if TYPE_CHECKING:
    from mlflow.entities import Run

__all__ = ["COST_EXPERIMENT", "CostRunWriter"]

COST_EXPERIMENT = "LLM_Cost"
"""The MLflow experiment of what calls cost."""

_CALLS_A_REQUEST = (MOST_POINTS - 10) // 4  # of up to four points each, and the totals
_RUNS_HELD = 100


@dataclass(slots=True)
class _Held:
    """What a run holds: the steps of its calls, what they amount to, and whether others write to it too."""

    steps: set[int] = field(default_factory=set)
    totals: DayTotals = field(default_factory=DayTotals)
    shared: bool = False


@dataclass(frozen=True, slots=True)
class _Share:
    """The calls of one route among those that are to be written, in the order of their steps."""

    route: DayRoute
    measured: Sequence[MeasuredCall | MeasuredEmbedding]
    points: Sequence[CallPoint]

    @property
    def misrouted(self) -> bool | None:
        """The routing policy's verdict, which is the same for all calls of a route."""
        first = self.measured[0]
        return first.misrouted if isinstance(first, MeasuredCall) else None

    @property
    def latest_ms(self) -> int:
        """When the last of the calls began."""
        return max(point.moment_ms for point in self.points)


class CostRunWriter:
    """Writes calls into the experiment `LLM_Cost`.

    A call adds one point to each series of its run, at its own time, and to the run's totals in the same
    transaction. It is known again by its step, so delivering it again adds nothing, also under other
    prices. Several shippers may write to one run: whoever finds calls in it that it did not write works
    the totals out from all of its points. Raises `DeliveryError` where MLflow cannot be reached.
    """

    def __init__(self, destination: Destination, dead_letters: DeadLetters) -> None:
        self.runs = RunWriter(destination, COST_EXPERIMENT, dead_letters, shared=True)
        self._destination = destination
        self._held: OrderedDict[str, _Held] = OrderedDict()

    def write(self, turns: Sequence[MeasuredTurn]) -> None:
        """Write the calls of `turns` that the runs do not hold yet."""
        shares = _shares(turns)
        if not shares:
            return
        with reaching(self._destination):
            known = self._known(shares)
            written = self.runs.write_each(
                [share for share in shares if not _is_deleted(known.get(share.route.key))],
                partial(self._write, known=known),
                lambda share: [measured.call for measured in share.measured],
            )
            self._verify(written)

    def _known(self, shares: Iterable[_Share]) -> dict[str, "Run"]:
        return self.runs.known(share.route.began for share in shares)

    def _write(self, share: _Share, known: MutableMapping[str, "Run"]) -> "Run":
        content = _content(share)
        is_new = content.key not in known
        run = self.runs.begun(content, known)
        # not held while it is written to: after an error nobody knows what it holds
        held = self._held.pop(content.key, None)
        if held is None or not _agree(run, held.totals):
            shared = held is not None
            held = _Held() if is_new else self._read(run)
            held.shared = shared
        for points in _portions(point for point in share.points if point.step not in held.steps):
            totals = held.totals.plus(points)
            self._log(run, points, totals, share)
            held.totals = totals
            held.steps.update(point.step for point in points)
        if is_half_written(run):
            self.runs.end(run, content)
        self._hold(content.key, held)
        return run

    def _log(self, run: "Run", points: Sequence[CallPoint], totals: DayTotals, share: _Share) -> None:
        """Log points and the totals with them, all or none."""
        logged = [
            Point(name, value, point.moment_ms, point.step)
            for point in points
            for name, value in point.metrics.items()
        ]
        # MLflow shows the point of the highest step, so totals count the calls
        logged += [
            Point(name, value, share.latest_ms, totals.calls)
            for name, value in totals.metrics(share.misrouted).items()
        ]
        repeated(lambda: log_points(self._destination, run.info.run_id, logged))
        self.runs.progress += len(points)

    def _verify(self, shares: Iterable[_Share]) -> None:
        """See whether runs that others write to say what was written; where not, work the totals out.

        Of two shippers that write at the same moment, one looks after both have written.
        """
        shared = [share for share in shares if self._held[share.route.key].shared]
        known = self._known(shared)
        for share in shared:
            key = share.route.key
            if key in known and not _agree(known[key], self._held[key].totals):
                held = self._read(known[key])
                held.shared = True
                self._log(known[key], (), held.totals, share)
                self._hold(key, held)

    def _read(self, run: "Run") -> _Held:
        """What a run holds. Its totals are of all its points, or else worked out from them."""
        steps = {step for step, _ in self._history(run, "latency_ms")}
        if len(steps) == run.data.metrics.get("day_calls", 0):
            return _Held(steps, DayTotals.read(run.data.metrics))
        costs = [Decimal(repr(value)) for _, value in self._history(run, "estimated_cost_usd")]
        tokens = [round(value) for _, value in self._history(run, "total_tokens")]
        totals = DayTotals(
            calls=len(steps),
            priced_calls=len(costs),
            estimated_calls=len(self._history(run, "estimated")),
            cost_usd=sum(costs, Decimal(0)) if costs else None,
            tokens=sum(tokens) if tokens else None,
        )
        return _Held(steps, totals)

    def _history(self, run: "Run", name: str) -> list[tuple[int, float]]:
        return repeated(lambda: list(read_points(self._destination, run.info.run_id, name)))

    def _hold(self, key: str, held: _Held) -> None:
        self._held[key] = held
        if len(self._held) > _RUNS_HELD:
            self._held.popitem(last=False)


def _shares(turns: Sequence[MeasuredTurn]) -> list[_Share]:
    calls: dict[DayRoute, dict[int, MeasuredCall | MeasuredEmbedding]] = {}
    points: dict[DayRoute, dict[int, CallPoint]] = {}
    for turn in turns:
        every: tuple[MeasuredCall | MeasuredEmbedding, ...] = (
            *turn.calls.values(),
            *turn.embeddings.values(),
        )
        for measured in every:
            route, point = day_route(measured.call), call_point(measured)
            calls.setdefault(route, {})[point.step] = measured
            points.setdefault(route, {})[point.step] = point
    return [
        _Share(route, list(calls[route].values()), [points[route][step] for step in sorted(points[route])])
        for route in calls
    ]


def _content(share: _Share) -> RunContent:
    route = share.route
    misrouted = share.misrouted
    family = None if route.model is None else model_family(route.model)
    return RunContent(
        fact=share.measured[0].call,
        key=route.key,
        name=" ".join(filter(None, (family or "unknown model", route.task_type, str(route.day)))),
        started_at=route.began,
        ended_at=route.ended,
        tags={
            "model": family,
            "served_model": route.model,
            "task_type": route.task_type,
            "day": route.day.isoformat(),
            "misrouted": None if misrouted is None else str(misrouted).lower(),
        },
    )


def _agree(run: "Run", totals: DayTotals) -> bool:
    said = run.data.metrics
    return all(said.get(name) == value for name, value in totals.metrics(None).items())


def _is_deleted(run: "Run | None") -> bool:
    return run is not None and is_deleted(run)


def _portions(points: Iterator[CallPoint]) -> Iterator[list[CallPoint]]:
    while portion := list(islice(points, _CALLS_A_REQUEST)):
        yield portion
