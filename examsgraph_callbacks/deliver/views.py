"""The views that stand beside traces and path runs: cost by day, feedback, prompt comparisons."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from examsgraph_callbacks.deliver.cost_runs import CostRunWriter
from examsgraph_callbacks.deliver.dead_letters import DeadLetters
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.feedback_runs import FeedbackRunWriter
from examsgraph_callbacks.deliver.measured import MeasuredTurn
from examsgraph_callbacks.deliver.prompt_runs import PromptRunWriter
from examsgraph_callbacks.deliver.runs import RunWriter
from examsgraph_callbacks.events import Fact

__all__ = ["FactView", "TurnView", "Views"]


class TurnView(Protocol):
    """Shows something of turns whose traces MLflow has."""

    runs: RunWriter

    def write(self, turns: Sequence[MeasuredTurn]) -> None:
        """Write what is new; doing it again changes nothing. Raises `DeliveryError`."""


class FactView(Protocol):
    """Shows facts that are no runs."""

    runs: RunWriter

    def write(self, facts: Iterable[Fact]) -> Sequence[Fact]:
        """Write what is new of the view's own kind, and return those whose turns have not arrived.

        Doing it again changes nothing. Raises `DeliveryError`.
        """


class Views:
    """All of them; each gets everything, and takes what is its own."""

    def __init__(
        self,
        destination: Destination,
        dead_letters: DeadLetters,
        is_early: Callable[[Fact], bool],
    ) -> None:
        self._of_turns: tuple[TurnView, ...] = (CostRunWriter(destination, dead_letters),)
        self._of_facts: tuple[FactView, ...] = (
            FeedbackRunWriter(destination, dead_letters, is_early),
            PromptRunWriter(destination, dead_letters),
        )

    def write_turns(self, turns: Sequence[MeasuredTurn]) -> None:
        """Show turns whose traces MLflow has."""
        for view in self._of_turns:
            view.write(turns)

    def write_facts(self, facts: Sequence[Fact]) -> list[Fact]:
        """Show facts that are no runs; returns those whose turns have not arrived."""
        return [fact for view in self._of_facts for fact in view.write(facts)]

    @property
    def runs(self) -> dict[str, int]:
        """How many runs are new, by their experiments."""
        return {runs.experiment: runs.created for runs in self._runs()}

    @property
    def progress(self) -> int:
        """How much was written that need not be written again after an error."""
        return sum(runs.progress for runs in self._runs())

    @property
    def answered(self) -> bool:
        """Whether MLflow took anything at all."""
        return any(runs.answered for runs in self._runs())

    @property
    def refused(self) -> int:
        """How many runs could not be written."""
        return sum(runs.refused for runs in self._runs())

    def _runs(self) -> list[RunWriter]:
        return [view.runs for view in self._of_turns] + [view.runs for view in self._of_facts]
