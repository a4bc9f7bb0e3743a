"""Which turns have arrived in MLflow, asked for many at once, and what is known there of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from examsgraph_callbacks.deliver.answers import refuses
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.repeating import repeated
from examsgraph_callbacks.deliver.runs import milliseconds
from examsgraph_callbacks.deliver.spans import is_trace_id
from examsgraph_callbacks.deliver.traces import TRACE_EXPERIMENT
from examsgraph_callbacks.events import Fact

if TYPE_CHECKING:
    from mlflow.entities import Trace

__all__ = ["ArrivedTurn", "ArrivedTurns"]

_A_REQUEST = 100


@dataclass(frozen=True, slots=True)
class ArrivedTurn:
    """A turn that MLflow has as a trace.

    `trace_id` is MLflow's own. `total_tokens` and `cost_usd` are of all its calls, None where none is
    known.
    """

    trace_id: str
    wrong_concept: str | None = None
    total_tokens: int | None = None
    cost_usd: float | None = None


class ArrivedTurns:
    """Asks MLflow for turns; raises MLflow's own error where it cannot be reached."""

    def __init__(self, destination: Destination) -> None:
        from mlflow.tracing.client import TracingClient

        self._destination = destination
        self._client = TracingClient(destination.uri)

    def by_id(self, trace_ids: Iterable[str]) -> dict[str, ArrivedTurn]:
        """Those of these turns that have arrived, by the ids that the facts know them by."""
        arrived: dict[str, ArrivedTurn] = {}
        # of an id that no trace can have none arrives
        asked = iter({trace_id for trace_id in trace_ids if is_trace_id(trace_id)})
        while some := list(islice(asked, _A_REQUEST)):
            ids = ", ".join(f"'tr-{trace_id}'" for trace_id in some)
            for turn in self._search(f"trace.request_id IN ({ids})", _A_REQUEST):
                arrived[turn.trace_id.removeprefix("tr-")] = turn
        return arrived

    @staticmethod
    def may_know(loose: Fact) -> bool:
        """Whether the fact says enough for `latest` to find its turn."""
        return loose.question_id is not None and (loose.session_id or loose.user_id) is not None

    def latest(self, loose: Fact) -> ArrivedTurn | None:
        """The latest turn on a fact's question that began before it, in its session, else of its user.

        None where there is none, and where the fact does not name these in words that MLflow's filters
        know.
        """
        from mlflow.exceptions import MlflowException

        who = ("session", loose.session_id) if loose.session_id else ("user", loose.user_id)
        if not loose.question_id or not who[1]:
            return None
        terms = (
            f"tags.question_id = {_quoted(loose.question_id)}",
            f"metadata.`mlflow.trace.{who[0]}` = {_quoted(who[1])}",
            f"trace.timestamp_ms <= {milliseconds(loose.ended_at)}",
        )
        try:
            return next(self._search(" AND ".join(terms), 1), None)
        except MlflowException as error:
            if refuses(error):
                return None
            raise

    def _search(self, filter_string: str, at_most: int) -> Iterator[ArrivedTurn]:
        search = partial(
            self._client.search_traces,
            locations=[self._destination.experiment_id(TRACE_EXPERIMENT)],
            filter_string=filter_string,
            order_by=["timestamp_ms DESC"],
            max_results=at_most,
            include_spans=False,
        )
        return map(_turn, repeated(search))


def _turn(trace: "Trace") -> ArrivedTurn:
    info = trace.info
    return ArrivedTurn(
        trace_id=info.trace_id,
        wrong_concept=info.tags.get("wrong_concept"),
        total_tokens=(info.token_usage or {}).get("total_tokens"),
        cost_usd=(info.cost or {}).get("total_cost"),
    )


def _quoted(value: str) -> str:
    quote = '"' if "'" in value else "'"
    return f"{quote}{value}{quote}"
