"""A fact on which MLflow itself fails is set aside; an MLflow that fails on every one is at fault itself."""

from collections.abc import Callable
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracing.client import TracingClient

from examsgraph_callbacks.deliver import ship
from examsgraph_callbacks.deliver.destination import Destination
from examsgraph_callbacks.deliver.faults import IN_A_ROW
from examsgraph_callbacks.deliver.runs import RunContent, RunWriter
from examsgraph_callbacks.errors import DeliveryError
from examsgraph_callbacks.events import Exploration
from examsgraph_callbacks.journal import Journal
from tests.deliver.factories import exploration, hex_id, turn_root
from tests.deliver.odd_facts import letters, shipped_between_others, write
from tests.deliver.readback import traces_in

Failing = Callable[[Callable[[str], bool]], None]


@pytest.fixture
def mlflow_fails_on(monkeypatch: pytest.MonkeyPatch) -> Failing:
    """Makes MLflow, behind either door, fail on requests with traces for whose ids a function says so."""

    def install(fails: Callable[[str], bool]) -> None:
        post, log = Destination.request, TracingClient.log_spans

        def request(
            self: Destination, method: str, path: str, *arguments: Any, **options: Any
        ) -> tuple[int, str]:
            if path == "/v1/traces" and any(fails(trace_id) for trace_id in _trace_ids(arguments[-1])):
                return 500, "Internal Server Error"
            return post(self, method, path, *arguments, **options)

        def log_spans(self: TracingClient, experiment_id: str, spans: list[Any]) -> Any:
            if any(fails(span.trace_id.removeprefix("tr-")) for span in spans):
                raise MlflowException("value too long for a column")
            return log(self, experiment_id, spans)

        monkeypatch.setattr(Destination, "request", request)
        monkeypatch.setattr(TracingClient, "log_spans", log_spans)

    return install


def _trace_ids(body: bytes) -> set[str]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(body)
    return {span.trace_id.hex() for span in request.resource_spans[0].scope_spans[0].spans}


def test_a_trace_on_which_mlflow_itself_fails_is_set_aside(
    journal: Journal, tracking_uri: str, mlflow_fails_on: Failing
) -> None:
    poison = f"poison {tracking_uri}"
    mlflow_fails_on(lambda trace_id: trace_id == hex_id(poison))

    report = shipped_between_others(journal, tracking_uri, [turn_root(poison)])

    assert (report.traces, report.refused, report.set_aside) == (2, 1, 1)
    (letter,) = letters(journal)
    assert letter["error"].startswith("MLflow failed on a trace: ")


def test_an_mlflow_that_fails_on_every_trace_is_at_fault_itself(
    journal: Journal, tracking_uri: str, mlflow_fails_on: Failing
) -> None:
    turns = [f"{number} {tracking_uri}" for number in range(50)]
    for turn in turns:
        write(journal, [turn_root(turn)])
    asked: list[str] = []
    mlflow_fails_on(lambda trace_id: not asked.append(trace_id))  # type: ignore[func-returns-value]

    with pytest.raises(DeliveryError, match="nothing is lost"):
        ship(journal, tracking_uri)

    assert letters(journal) == []
    assert len(asked) <= 3 * IN_A_ROW, "it is not asked for each trace"


def test_an_mlflow_that_breaks_half_way_is_at_fault_itself(
    journal: Journal, sqlite_uri: str, mlflow_fails_on: Failing
) -> None:
    turns = [f"turn {number}" for number in range(3)]
    for turn in turns:
        write(journal, [turn_root(turn)])
    taken: list[str] = []

    def breaks_after_the_first_two_requests(trace_id: str) -> bool:
        taken.append(trace_id)
        # all at once, then the first one alone: from there on it is broken
        return (trace_id == hex_id(turns[0]) and len(taken) == 1) or len(taken) > 2

    mlflow_fails_on(breaks_after_the_first_two_requests)
    with pytest.raises(DeliveryError):
        ship(journal, sqlite_uri)

    assert letters(journal) == []


def test_a_poisonous_trace_alone_waits_for_a_second_one_to_tell_whose_fault_it_is(
    journal: Journal, sqlite_uri: str, mlflow_fails_on: Failing
) -> None:
    mlflow_fails_on(lambda trace_id: trace_id == hex_id("poison"))
    write(journal, [turn_root("poison")])
    with pytest.raises(DeliveryError):
        ship(journal, sqlite_uri)

    write(journal, [turn_root("good")])
    report = ship(journal, sqlite_uri)
    assert (report.traces, report.set_aside) == (1, 1)
    assert traces_in(sqlite_uri) == [hex_id("good")]


def test_an_exploration_on_which_mlflow_itself_fails_is_set_aside(
    journal: Journal, sqlite_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for turn in ("poison", "good"):
        write(journal, [exploration(turn, query=turn), turn_root(turn)])
    create = RunWriter._create

    def odd_create(self: RunWriter, odd: RunContent) -> Any:
        if isinstance(odd.fact, Exploration) and odd.fact.query == "poison":
            raise MlflowException("value too long for a column")
        return create(self, odd)

    monkeypatch.setattr(RunWriter, "_create", odd_create)
    report = ship(journal, sqlite_uri)

    assert (report.traces, report.runs, report.set_aside) == (2, 1, 1)
