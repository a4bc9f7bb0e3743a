"""Paths that a caller told without their turn: runs at once, and spans of the turn once it has arrived."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from examsgraph_callbacks.deliver.arrived_turns import ArrivedTurns
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.path_runs import Explained, PathRunWriter
from examsgraph_callbacks.deliver.runs import reaching
from examsgraph_callbacks.deliver.traces import TraceWriter
from examsgraph_callbacks.deliver.turns import Turn
from examsgraph_callbacks.events import Exploration, Fact

__all__ = ["ToldPaths", "Written"]


@dataclass(frozen=True, slots=True)
class Written:
    """How many runs are new, and which explorations still wait for their turn."""

    runs: int = 0
    turnless: Sequence[Exploration] = ()


class ToldPaths:
    """Writes explorations into the latest turn on their question, in their session, else of their user.

    `is_early` says of one whether that turn may still be on its way to MLflow. The run is written at once;
    once the turn has arrived its trace has the exploration's spans, and the run's tag `trace_id` names it.
    """

    def __init__(
        self,
        destination: Destination,
        traces: TraceWriter,
        path_runs: PathRunWriter,
        is_early: Callable[[Fact], bool],
    ) -> None:
        self._destination = destination
        self._traces = traces
        self._path_runs = path_runs
        self._turns = ArrivedTurns(destination)
        self._is_early = is_early

    def write(self, facts: Iterable[Fact]) -> Written:
        """Write what is new of the explorations among `facts`; doing it again changes nothing.

        Raises `DeliveryError` where MLflow cannot be reached.
        """
        told = [fact for fact in facts if isinstance(fact, Exploration)]
        if not told:
            return Written()
        turns = self._turns_of(told)
        joined = [
            fact.model_copy(update={"trace_id": turns[fact.event_id], "parent_run_id": turns[fact.event_id]})
            for fact in told
            if fact.event_id in turns
        ]
        self._traces.write([Turn(str(fact.trace_id), (fact,)) for fact in joined])
        turnless = [fact for fact in told if fact.event_id not in turns]
        runs = self._path_runs.write(
            [Explained(fact, fact.final_explanation) for fact in (*joined, *turnless)]
        )
        return Written(runs, [fact for fact in turnless if self._turns.may_know(fact)])

    def _turns_of(self, told: Iterable[Exploration]) -> Mapping[str, str]:
        """The ids of the turns that have arrived, by the event ids of their explorations."""
        found: dict[str, str] = {}
        with reaching(self._destination):
            for fact in told:
                turn = None if self._is_early(fact) else self._turns.latest(fact)
                if turn is not None:
                    found[fact.event_id] = turn.trace_id.removeprefix("tr-")
        return found
